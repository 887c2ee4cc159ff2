{# The names of what a joined table lists, in three languages: {{ names_of('territories', 'ref_area') }}. #}
{% macro names_of(joined, called) -%}
    {{ joined }}.name_ru as {{ called }}_ru,
    {{ joined }}.name_be as {{ called }}_be,
    {{ joined }}.name_en as {{ called }}_en
{%- endmacro %}
