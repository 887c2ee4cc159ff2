{#
    Tables and views on DuckDB are replaced within their transaction: whoever reads sees the old or the new one, and a
    build that dies leaves the old. dbt's own way, made for every engine, builds beside, renames twice and drops
    afterwards: more than twice as many statements for each of a hundred models.
#}
{% materialization table, adapter='duckdb' %}
    {{ return(gorod.replace_relation(this.incorporate(type='table'))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(gorod.replace_relation(this.incorporate(type='view'))) }}
{% endmaterialization %}

{% macro replace_relation(target_relation) %}
    {% set existing = load_cached_relation(this) %}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}
    {% if existing is not none %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% call statement('main') %}
        {% if target_relation.is_view %}
            {{ get_create_view_as_sql(target_relation, sql) }}
        {% else %}
            {{ create_table_as(false, target_relation, sql) }}
        {% endif %}
    {% endcall %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {% do return({'relations': [target_relation]}) %}
{% endmacro %}
