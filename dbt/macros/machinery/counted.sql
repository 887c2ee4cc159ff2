{# The condition, from source.yml, of the rows of a raw table that some measure takes. #}
{% macro counted(table) %}
    {% if not execute %}
        {% do return('true') %}
    {% endif %}
    {% set found = run_query(
        "select counted from " ~ source('catalogue', 'feed') ~ " where source || '__' || feed = '" ~ table ~ "'"
    ) %}
    {% do return(found.columns[0].values()[0]) %}
{% endmacro %}
