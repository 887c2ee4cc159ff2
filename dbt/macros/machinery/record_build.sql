{#
    What ops knows of dbt's work: a row in ops.build_begun before it, one in ops.build after it. The first stays alone where
    the process was killed: what it had begun is done again. A build counts if it was asked for the whole project (except
    for what Gorod planned to leave out, because it depends on nothing that has changed), with rows and by the declared
    vars, and each model, snapshot and test came out well; and if it was of the definitions that the catalogue holds, which
    Gorod tells the dbt that it starts: of the SQL that a dbt started by hand finds, nobody knows whether it is still the
    same. (The tables belong to the ledger; without it there is nothing to record.)
#}
{% macro record_begin() %}
    {% if gorod.is_recorded() %}
        {% set begun = gorod.whole_table('ops', 'build_begun') %}
        {% if load_relation(source('ops', 'build_begun')) is none %}
            {% do exceptions.raise_compiler_error('the ledger of this warehouse is of an older Gorod; gorod run brings it up to date') %}
        {% endif %}
        {% set planned = gorod.planned_rebuild() %}
        {% set left_out = gorod.whole_project() | reject('in', selected_resources)
            | reject('in', planned.get('left_out', [])) | list %}
        {% set narrowed = flags.EMPTY or flags.SAMPLE or invocation_args_dict.get('vars') %}
        {% set whole = flags.WHICH == 'build' and not left_out and not narrowed %}
        {% call statement('record_begin', auto_begin=true) %}
        insert into {{ begun }} (build_no, invocation_id, begun_at, whole, ledger_version)
        select
            (select coalesce(max(build_no), 0) + 1 from {{ begun }}),
            '{{ invocation_id }}',
            current_timestamp,
            {{ ('true' if not planned else gorod.is_as_planned(planned)) if whole else 'false' }},
            (select count(*) from {{ gorod.whole_table('ops', 'deciding_event') }});
        insert into {{ gorod.whole_table('ops', 'build_input') }} (invocation_id, source, feed, state)
        select '{{ invocation_id }}', source, feed, state from {{ gorod.whole_table('ops', 'feed_state') }}
        {% endcall %}
        {# without it dbt rolls the row back when it closes the connection #}
        {% do adapter.commit() %}
    {% endif %}
{% endmacro %}

{# What Gorod planned: the build that it goes on from, the feeds that have changed, what is left out. Empty for a build of all. #}
{% macro planned_rebuild() %}
    {% do return(fromjson(env_var('GOROD_REBUILD', '{}')) if execute else {}) %}
{% endmacro %}

{#
    Of a list of feeds, or of models named after them, those that have changed, where a build is planned for them alone; else
    all. If other feeds changed after the plan was made, the build does not count (is_as_planned).
#}
{% macro of_changed_feeds(names, prefix='') %}
    {% set feeds = gorod.planned_rebuild().get('feeds') %}
    {% if feeds is none %}
        {% do return(names) %}
    {% endif %}
    {% set found = [] %}
    {% for name in names if name in feeds or (prefix and name[prefix | length:] in feeds) %}
        {% do found.append(name) %}
    {% endfor %}
    {% do return(found) %}
{% endmacro %}

{#
    Whether what Gorod planned to leave out may be left out still: nothing was built since the build that the plan goes on
    from, which was whole, and no feed has changed but those that the plan knows of.
#}
{% macro is_as_planned(planned) %}
    {% set builds = gorod.whole_table('ops', 'build_state') %}
    {% set known = gorod.whole_table('ops', 'build_input') %}
    {% set now = gorod.whole_table('ops', 'feed_state') %}
    (
        select count(*) = 1 from {{ builds }} as builds
        where
            builds.invocation_id = '{{ planned["since"] }}'
            and builds.ok
            and builds.whole
            and builds.definitions_hash = '{{ env_var("GOROD_DEFINITIONS_HASH", "") }}'
            and builds.build_no = (select max(newest.build_no) from {{ builds }} as newest)
    )
    and not exists (
        select 1
        from (select source, feed, state from {{ known }} where invocation_id = '{{ planned["since"] }}') as known
        full outer join {{ now }} as now on known.source = now.source and known.feed = now.feed
        where
            (known.state is null or now.state is null or known.state <> now.state)
            and coalesce(now.source, known.source) || '__' || coalesce(now.feed, known.feed)
            not in ('{{ planned["feeds"] | join("', '") }}')
    )
{% endmacro %}

{% macro record_build(results) %}
    {% if gorod.is_recorded() %}
        {% set ended = results | selectattr('status', 'in', ['success', 'pass', 'warn', 'no-op'])
            | map(attribute='node.unique_id') | list %}
        {% set missing = selected_resources | reject('in', ended) | list %}
        {# the day in Minsk on which the build began #}
        {% set began = run_started_at.astimezone(modules.pytz.timezone('Europe/Minsk')).strftime('%Y-%m-%d') %}
        {% call statement('record_build', auto_begin=true) %}
        insert into {{ gorod.whole_table('ops', 'build') }}
            (invocation_id, built_at, ok, whole, definitions_hash, ledger_version)
        select
            begun.invocation_id,
            current_timestamp,
            {{ 'false' if missing else 'true' }},
            begun.whole,
            (
                select max(definitions_hash) from {{ gorod.whole_table('catalogue', 'definition') }}
                where definitions_hash = '{{ env_var("GOROD_DEFINITIONS_HASH", "") }}'
            ),
            begun.ledger_version
            -- a waiver that ended since the build began is in some of its models and not in others
            - (
                select count(*) from {{ gorod.whole_table('ops', 'load_event') }}
                where event = 'waived' and until >= cast('{{ began }}' as date)
                    and until < cast(current_timestamp at time zone 'Europe/Minsk' as date)
            )
        from {{ gorod.whole_table('ops', 'build_begun') }} as begun
        where begun.invocation_id = '{{ invocation_id }}'
        {% endcall %}
        {% do adapter.commit() %}
    {% endif %}
{% endmacro %}

{# Whether this is a command that changes what stands in the warehouse, and there is a ledger to say so in. #}
{% macro is_recorded() %}
    {% do return(
        execute and flags.WHICH in ('build', 'run', 'snapshot', 'seed', 'retry', 'clone')
        and load_relation(source('ops', 'build')) is not none
    ) %}
{% endmacro %}

{# Ids of all that a whole build makes and tests; unit tests judge the models, not the data. #}
{% macro whole_project(kinds=['model', 'snapshot', 'seed', 'test']) %}
    {% do return(
        graph.nodes.values() | selectattr('resource_type', 'in', kinds)
        | map(attribute='unique_id') | list
    ) %}
{% endmacro %}

{# A table of Gorod's own as it is; with --empty a source has no rows, and cannot be written to. #}
{% macro whole_table(schema, name) %}
    {% do return(source(schema, name).render()) %}
{% endmacro %}
