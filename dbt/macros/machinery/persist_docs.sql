{#
    Comments of a relation and of its columns, in one statement. dbt's own macros ask for the columns before each, twice,
    to pass over a documented one that is not there: here that is an error.
#}
{% macro default__persist_docs(relation, model, for_relation, for_columns) %}
    {% set comments = gorod.comments_on(relation, model, for_relation, for_columns) %}
    {% if comments %}
        {% call statement('comments') %}
            {{ comments }}
        {% endcall %}
    {% endif %}
{% endmacro %}

{# The SQL that comments on a relation and its columns as the config persist_docs says; empty where it says nothing. #}
{% macro comments_on(relation, model, for_relation=true, for_columns=true) %}
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
    {% do return('comment on ' ~ comments | join('; comment on ') if comments else '') %}
{% endmacro %}
