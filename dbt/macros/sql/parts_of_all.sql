{# What every breakdown has beside its members: the total, and what belongs to no part; with their names. #}
{% macro parts_of_all() -%}
    (
        select '_T' as breakdown, 'Всего' as name_ru, 'Усяго' as name_be, 'Total' as name_en
        union all
        select '_U' as breakdown, 'Не распределено' as name_ru, 'Не размеркавана' as name_be, 'Not allocated' as name_en
    )
{%- endmacro %}
