{# The moment of a snapshot, in UTC whatever the zone of the session. #}
{% macro duckdb__snapshot_get_time() -%}
    cast(current_timestamp at time zone 'UTC' as timestamp)
{%- endmacro %}

{% macro postgres__snapshot_get_time() -%}
    cast(current_timestamp at time zone 'UTC' as timestamp)
{%- endmacro %}

{#
    Before a snapshot: what a clock that was ahead has stamped became known by now at the latest. It would be missing in
    whatever asks what is known, until that moment comes.
#}
{% macro no_moment_ahead() %}
    {%- do gorod.require_whole_values() -%}
    {%- set held = load_relation(this) if execute -%}
    {%- if held is not none and held -%}
        {%- set now = snapshot_get_time() -%}
        update {{ held }}
        set
            known_from = least(known_from, {{ now }}),
            -- least() passes over null, which is what is known still
            known_to = case when known_to > {{ now }} then {{ now }} else known_to end
        where known_from > {{ now }} or known_to > {{ now }}
    {%- endif -%}
{% endmacro %}

{#
    What became known is written from values that were built as a whole: from those that a part, a failed or an empty build has
    left, it would tell for ever that figures were withdrawn for an hour.
#}
{% macro require_whole_values() %}
    {% if execute and load_relation(source('ops', 'build_state')) is not none %}
        {% set builds = gorod.whole_table('ops', 'build_state') %}
        {% set before = run_query(
            'select ok and whole from ' ~ builds ~ " where invocation_id <> '" ~ invocation_id ~ "' order by build_no desc limit 1"
        ).rows %}
        {% set left_out = gorod.whole_project(['model']) | reject('in', selected_resources) | list %}
        {% if flags.EMPTY or (left_out and not (before and before[0][0])) %}
            {% do exceptions.raise_compiler_error('the history of values is written of a whole build alone: gorod run') %}
        {% endif %}
    {% endif %}
{% endmacro %}
