{#
    Materialization for_each_region: one table of the model's rows for each region, and one of the whole country, from
    one definition. The model yields the columns ref_area and region. The regions are asked of dim_territory: BY-BR
    gets the schema mart_by_br with the rows whose region it is; the country BY gets mart_by with all rows. The table
    is named by the config table_name, the model with the territories by the config territories. The model itself is
    left as a view over all rows, for tests and lineage. Where readers look at the marts while they are built, the
    tables are built elsewhere (region_relation), and the publication shows them.
#}
{% materialization for_each_region, default %}
    {% set table_name = config.require('table_name') %}
    {% set territories = ref(config.require('territories')) %}
    {% set target_relation = this.incorporate(type='view') %}
    {% set written = [target_relation] %}

    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}

    {% set existing = load_relation(this) %}
    {% if existing is not none %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% call statement('main') %}
        {{ create_view_as(target_relation, sql) }}
    {% endcall %}

    {% set marts = run_query(
        "select ref_area, level from " ~ territories ~ " where level in ('country', 'region') order by ref_area"
    ) %}
    {% for mart in marts.rows %}
        {% set schema = 'mart_' ~ mart['ref_area'] | lower | replace('-', '_') %}
        {% set relation = gorod.region_relation(schema, table_name) %}
        {% do adapter.create_schema(relation) %}
        {% do gorod.replace_table(relation, 'select * from ' ~ target_relation ~ (
            '' if mart['level'] == 'country' else " where region = '" ~ mart['ref_area'] ~ "'"
        )) %}
        {% do persist_docs(relation, model) %}
        {% do written.append(relation) %}
    {% endfor %}
    {% do persist_docs(target_relation, model) %}

    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': written}) }}
{% endmaterialization %}

{# Replace a table within the transaction, so that a reader sees the old or the new one. #}
{% macro replace_table(relation, select_sql) %}
    {% call statement('replace_' ~ relation.schema) %}
        drop table if exists {{ relation }};
        create table {{ relation }} as {{ select_sql }};
    {% endcall %}
{% endmacro %}
