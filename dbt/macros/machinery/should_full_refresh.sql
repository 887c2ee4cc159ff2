{#
    Incremental models are built anew when what defines them has changed since: the declarations (hash in
    catalogue.definition) or the SQL of the model and of the models that it stands on. The hash that the existing table
    was built with stands in its column definitions_hash.
#}
{% macro should_full_refresh() %}
    {% set asked = config.get('full_refresh') %}
    {% if asked is none %}
        {% set asked = flags.FULL_REFRESH %}
    {% endif %}
    {% if not asked and execute and config.get('meta', {}).get('rebuild_when_definitions_change') %}
        {% set existing = load_relation(this) %}
        {% if existing is not none %}
            {% set held = run_query('select definitions_hash from ' ~ existing ~ ' limit 1').rows %}
            {% set asked = not held or held[0][0] != definitions_hash() %}
        {% endif %}
    {% endif %}
    {% do return(asked) %}
{% endmacro %}

{# SHA of the declarations, the lists of territories in force, and checksums of this model and all models before it. #}
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
    {# what is a city's and what its district's follows from these lists: a new one is a new definition #}
    {% set lists = run_query(
        'select loads.load_id from ' ~ source('ops', 'effective_load') ~ ' as loads inner join '
        ~ source('catalogue', 'feed') ~ ' as feeds on loads.source = feeds.source and loads.feed = feeds.feed'
        ~ " where feeds.provides in ('territories', 'borders') order by loads.load_id"
    ) %}
    {% do return(local_md5(declared.columns[0].values()[0] ~ (lists.columns[0].values() | join(' ')) ~ (checksums | sort | join(' ')))) %}
{% endmacro %}
