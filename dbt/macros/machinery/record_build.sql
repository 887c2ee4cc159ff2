{#
    The row of ops.build after each dbt build or run: whether all went well, whether the whole project was built, by
    which definitions, and up to which event of the ledger. Publication refuses when the newest row failed or is older
    than the ledger. (The table belongs to the ledger; without it there is nothing to record.)
#}
{% macro record_build(results) %}
    {% if execute and flags.WHICH in ('build', 'run') and load_relation(source('ops', 'build')) is not none %}
        {% set bad = results | selectattr('status', 'in', ['error', 'fail', 'runtime error', 'skipped']) | list %}
        {# Dagster asks for everything by selecting fqn:* #}
        {% set selected = invocation_args_dict.get('select') or [] %}
        {% set selected = [selected] if selected is string else selected | list %}
        {% set whole = flags.WHICH == 'build' and selected in ([], ['fqn:*'])
            and not invocation_args_dict.get('exclude') %}
        {# the day in Minsk on which the build began #}
        {% set began = run_started_at.astimezone(modules.pytz.timezone('Europe/Minsk')).strftime('%Y-%m-%d') %}
        {% call statement('record_build', auto_begin=true) %}
        insert into {{ source('ops', 'build') }}
            (invocation_id, built_at, ok, whole, definitions_hash, ledger_version)
        select
            '{{ invocation_id }}',
            current_timestamp,
            {{ 'false' if bad else 'true' }},
            {{ 'true' if whole else 'false' }},
            (select max(definitions_hash) from {{ source('catalogue', 'definition') }}),
            (select count(*) from {{ source('ops', 'load_event') }})
            -- a waiver that ended since the build began is in some of its models and not in others
            - (
                select count(*) from {{ source('ops', 'load_event') }}
                where event = 'waived' and until >= cast('{{ began }}' as date)
                    and until < cast(current_timestamp at time zone 'Europe/Minsk' as date)
            )
        {% endcall %}
        {# without it dbt rolls the row back when it closes the connection #}
        {% do adapter.commit() %}
    {% endif %}
{% endmacro %}
