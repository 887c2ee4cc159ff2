{#
    Where the mart of a region is built. On PostgreSQL beside the contracts, in published_next: readers look at
    mart_by_br.indicator_value, which the publication changes in the same transaction as the contracts.
#}
{% macro region_relation(schema, table_name) %}
    {% if target.type == 'postgres' %}
        {% set schema, table_name = generate_schema_name('published', none), schema ~ '__' ~ table_name %}
    {% endif %}
    {{ return(api.Relation.create(database=this.database, schema=schema, identifier=table_name, type='table')) }}
{% endmacro %}
