{#
    DuckDB spends more than half of its planning on propagating statistics, and on ways to compress what it sorts and groups
    by them. That pays for millions of rows, which it then holds in less memory; in a small warehouse planning takes longer
    than reading, and a union of the views of all feeds takes seconds to plan. The rows are the same either way.
#}
{% macro plan_quickly() %}
    {% if execute and target.type == 'duckdb' %}
        {% set size = run_query('select max(block_size * total_blocks) from pragma_database_size()').columns[0].values()[0] %}
        {% if size < 512 * 1024 * 1024 %}
            {% do run_query("set global disabled_optimizers = 'statistics_propagation,compressed_materialization'") %}
        {% endif %}
    {% endif %}
{% endmacro %}
