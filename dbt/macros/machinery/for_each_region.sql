{#
    Materialization for_each_region: one table of the model's rows for each region, and one of the whole country, from
    one definition. The model yields the columns ref_area and region. The regions are asked of dim_territory: BY-BR
    gets the schema mart_by_br with the rows whose region it is; the country BY gets mart_by with all rows. That comes
    first, and the others are taken from it: the model is computed once. The table is named by the config table_name, the
    model with the territories by the config territories. The model itself is left as a view over all rows, for tests and
    lineage. Where readers look at the marts while they are built, the tables are built elsewhere (region_relation), and
    the publication shows them.
#}
{% materialization for_each_region, default %}
    {% set table_name = config.require('table_name') %}
    {% set territories = ref(config.require('territories')) %}
    {% set target_relation = this.incorporate(type='view') %}

    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}

    {% set marts = run_query(
        "select ref_area, level from " ~ territories ~ " where level in ('country', 'region') order by level, ref_area"
    ) %}
    {% set relations = [] %}
    {% for mart in marts.rows %}
        {% set schema = 'mart_' ~ mart['ref_area'] | lower | replace('-', '_') %}
        {% do relations.append(gorod.region_relation(schema, table_name)) %}
        {# it commits: before anything is replaced #}
        {% do adapter.create_schema(relations[-1]) %}
    {% endfor %}

    {% call statement('main') %}
        {{ gorod.drop_held(load_cached_relation(this)) }}
        {{ create_view_as(target_relation, sql) }};
        {{ gorod.comments_on(target_relation, model) }}
    {% endcall %}

    {% for mart in marts.rows %}
        {% set relation = relations[loop.index0] %}
        {% call statement('replace_' ~ relation.schema) %}
            drop table if exists {{ relation }};
            create table {{ relation }} as
            select * from {{ relations[0] if marts.rows[0]['level'] == 'country' and not loop.first else target_relation }}
            {% if mart['level'] != 'country' %}where region = '{{ mart['ref_area'] }}'{% endif %};
            {{ gorod.comments_on(relation, model) }}
        {% endcall %}
    {% endfor %}

    {{ run_hooks(post_hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation] + relations}) }}
{% endmaterialization %}
