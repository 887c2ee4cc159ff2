{#
    Schemas are named exactly as declared: published, not main_published. On PostgreSQL the contracts are built in
    published_next: readers look at published, which the publication changes in one transaction.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set name = (custom_schema_name or target.schema) | trim -%}
    {{ 'published_next' if name == 'published' and target.type == 'postgres' else name }}
{%- endmacro %}
