{#
    Comments of a relation and of its columns, in one statement. dbt's own macros ask for the columns before each, twice,
    to pass over a documented one that is not there: here that is an error.
#}
{% macro default__persist_docs(relation, model, for_relation, for_columns) %}
    {% set comments = [] %}
    {% if for_relation and config.persist_relation_docs() and model.description %}
        {% do comments.append(
            relation.type ~ ' ' ~ relation ~ ' is ' ~ dbt.string_literal(dbt.escape_single_quotes(model.description))
        ) %}
    {% endif %}
    {% if for_columns and config.persist_column_docs() %}
        {% for column in model.columns.values() if column.description %}
            {% do comments.append(
                'column ' ~ relation ~ '.' ~ adapter.quote(column.name) ~ ' is '
                ~ dbt.string_literal(dbt.escape_single_quotes(column.description))
            ) %}
        {% endfor %}
    {% endif %}
    {% if comments %}
        {% call statement('comments') %}
            comment on {{ comments | join('; comment on ') }}
        {% endcall %}
    {% endif %}
{% endmacro %}
