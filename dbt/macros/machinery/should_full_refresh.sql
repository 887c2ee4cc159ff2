{#
    Incremental models are built anew when what defines them has changed since: the declarations (hash in
    catalogue.definition) or the SQL of the model and of the models that it stands on. The hash that the existing table
    was built with stands in its column definitions_hash, or begins its column built_from. Models that follow changed
    inputs are also built anew after a build of a part of the project: somebody may have left out what they stand on.
#}
{% macro should_full_refresh() %}
    {% set asked = config.get('full_refresh') %}
    {% if asked is none %}
        {% set asked = flags.FULL_REFRESH %}
    {% endif %}
    {% set by_inputs = config.get('materialized') == 'follow_inputs' %}
    {% if not asked and execute and (by_inputs or config.get('meta', {}).get('rebuild_when_definitions_change')) %}
        {% set existing = load_relation(this) %}
        {% if existing is not none %}
            {% set column = 'built_from' if by_inputs else 'definitions_hash' %}
            {% set held = run_query('select max(' ~ column ~ ') from ' ~ existing).columns[0].values()[0] %}
            {% set built_with = held.split('-')[0] if held else none %}
            {% set asked = built_with != (definitions_hash()[:8] if by_inputs else definitions_hash())
                or (by_inputs and not gorod.last_build_was_whole()) %}
        {% endif %}
    {% endif %}
    {% do return(asked) %}
{% endmacro %}

{% macro last_build_was_whole() %}
    {% if load_relation(source('ops', 'build')) is none %}
        {% do return(true) %}
    {% endif %}
    {% set last = run_query('select whole from ' ~ source('ops', 'build') ~ ' order by built_at desc limit 1') %}
    {% do return(last.rows | length == 0 or last.rows[0][0]) %}
{% endmacro %}

{# SHA of the declarations, and checksums of this model and all models before it. #}
{% macro definitions_hash() %}
    {% if not execute %}
        {% do return('') %}
    {% endif %}
    {% set checksums = [] %}
    {% set waiting = [model.unique_id] %}
    {% set seen = [] %}
    {% for _ in range(graph.nodes | length) %}
        {% if waiting %}
            {% set current = waiting.pop() %}
            {% if current not in seen and current in graph.nodes %}
                {% do seen.append(current) %}
                {% do checksums.append(current ~ graph.nodes[current].checksum.checksum) %}
                {% do waiting.extend(graph.nodes[current].depends_on.nodes) %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {% set declared = run_query('select definitions_hash from ' ~ source('catalogue', 'definition')) %}
    {% do return(local_md5(declared.columns[0].values()[0] ~ (checksums | sort | join(' ')))) %}
{% endmacro %}
