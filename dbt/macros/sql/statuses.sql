{#
    Why a figure is missing, of several reasons: what is held back outweighs what is known to be gone, that outweighs what
    was not published, and that what was not delivered.
#}
{% macro worst_reason(column) -%}
    case
        when bool_or({{ column }} = 'held_back') then 'held_back'
        when bool_or({{ column }} = 'not_retained') then 'not_retained'
        when bool_or({{ column }} = 'not_published') then 'not_published'
        when bool_or({{ column }} = 'not_delivered') then 'not_delivered'
    end
{%- endmacro %}

{# SDMX status of the sum of several figures: low reliability, then estimated, then provisional, then normal. #}
{% macro worst_status(column) -%}
    case
        when bool_or({{ column }} = 'U') then 'U'
        when bool_or({{ column }} = 'E') then 'E'
        when bool_or({{ column }} = 'P') then 'P'
        else 'A'
    end
{%- endmacro %}

{# SDMX status that goes with a reason. #}
{% macro status_of_reason(column) -%}
    case {{ column }}
        when 'not_retained' then 'L'
        when 'not_applicable' then 'M'
        when 'suppressed' then 'Q'
        else 'O'
    end
{%- endmacro %}
