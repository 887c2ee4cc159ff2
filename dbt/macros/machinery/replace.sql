{#
    How a relation is replaced: dropped, created and commented on by one statement, and with it in one transaction.
    Whoever reads sees the old or the new one, and a build that fails or dies leaves the old. (dbt's own drop_relation
    is no part of a transaction on DuckDB unless one is open already.)

    On DuckDB all tables and views are replaced so. dbt's own way, made for every engine, builds beside, renames twice and
    drops afterwards: more than twice as many statements for each of a hundred models.
#}
{% materialization table, adapter='duckdb' %}
    {{ return(gorod.replace_relation(this.incorporate(type='table'))) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {{ return(gorod.replace_relation(this.incorporate(type='view'))) }}
{% endmaterialization %}

{% macro replace_relation(target_relation) %}
    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}
    {% call statement('main') %}
        {{ gorod.drop_held(load_cached_relation(this)) }}
        {% if target_relation.is_view %}
            {{ get_create_view_as_sql(target_relation, sql) }}
        {% else %}
            {{ create_table_as(false, target_relation, sql) }}
        {% endif %}
        {{ gorod.comments_on(target_relation, model) }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {% do return({'relations': [target_relation]}) %}
{% endmacro %}

{# The SQL that drops what is held under a name, for a statement that goes on to create it; nothing where nothing is. #}
{% macro drop_held(existing) %}
    {% if existing is not none %}
        {% do adapter.cache_dropped(existing) %}
        {% do return(get_drop_sql(existing) ~ ';') %}
    {% endif %}
{% endmacro %}
