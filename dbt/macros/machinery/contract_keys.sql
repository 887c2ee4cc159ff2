{#
    The columns of a contract, with their own constraints. The keys of a contract are constraints of the model, and stay
    in the manifest: a build would stop at the first row that breaks one, where a test tells of all of them; a key of
    DuckDB that refers to a table would keep it from being replaced. What is published declares the keys that hold
    (pipelines/publishing/keys.py).
#}
{% macro default__get_table_columns_and_constraints() %}
    {% set columns = adapter.render_raw_columns_constraints(raw_columns=model['columns']) %}
    (
        {{ columns | join(',\n        ') }}
    )
{% endmacro %}
