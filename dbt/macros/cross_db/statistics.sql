{#
    PostgreSQL plans by statistics, and its autovacuum gathers them a minute later: a build that goes on at once would
    take a table of thousands of rows for an empty one, and join it row by row. DuckDB needs none.
#}

{# After a table is written; nothing after a view. #}
{% macro gather_statistics() %}
    {%- if target.type == 'postgres' and config.get('materialized') not in ('view', 'for_each_region') -%}
        analyze {{ this }}
    {%- endif -%}
{% endmacro %}

{# Before a build: of the tables that Gorod writes itself, those that have changed since. #}
{% macro gather_statistics_of_sources() %}
    {% if execute and target.type == 'postgres' and flags.WHICH in ('build', 'run', 'snapshot') %}
        {% set stale = run_query(
            "select format('%I.%I', schemaname, relname) from pg_stat_user_tables"
            ~ " where schemaname in ('catalogue', 'ops', 'raw')"
            ~ " and n_mod_since_analyze > 0 and n_mod_since_analyze > n_live_tup / 20 order by 1"
        ).columns[0].values() %}
        {% for table in stale %}
            {% do run_query('analyze ' ~ table) %}
        {% endfor %}
    {% endif %}
{% endmacro %}
