{#
    Cost follows what is new: the materialization of the large tables between observations and marts. A table beside each,
    named like it with _state, says from which state of its inputs each period of a measure or indicator was computed: a
    hash of the loads, months and territories that int_measure_input or int_indicator_input give, after a hash of the
    definitions. A build takes out the rows whose state is another now, computes these periods, and leaves all others;
    where no state differs it touches nothing, and runs no hook. A correction, a waiver and its end are changes like any.
    It is one transaction: a process that is killed leaves the table as it was, with what its rows were built from.

    A table is computed as a whole when what defines it has changed since, and after a build of a part of the project:
    somebody may have left out what it stands on.

    The config inputs says whether a model goes by measure or by indicator. Its SQL takes them from changed_inputs(); by
    itself that is all of them, and here what has changed. The config volume names the model whose rows say in how many
    portions of periods the work is done, so that memory does not grow with the number of years.
#}
{% materialization follow_inputs, default %}
    {% set rows_at_once = 2000000 %}
    {% set what = config.require('inputs') %}
    {% set target_relation = this.incorporate(type='table') %}
    {% set state = api.Relation.create(
        database=this.database, schema=this.schema, identifier=this.identifier ~ '_state', type='table'
    ) %}
    {% set existing = load_cached_relation(this) %}
    {% set inputs = ref('int_' ~ what ~ '_input') %}
    {% set definitions = definitions_hash() %}
    {% set differs = make_temp_relation(target_relation, '__differs') %}
    {% set as_whole = existing is none or not existing.is_table or load_cached_relation(state) is none
        or should_full_refresh() or gorod.is_outdated(state, definitions) %}

    {#- Without a mark a build would insert what has not changed once more, or each portion the rows of all. -#}
    {% for mark in ('true /\\* not held \\*/', 'true /\\* periods (and months )?of \\w+ \\*/')
        if not modules.re.search(mark, sql) %}
        {% do exceptions.raise_compiler_error(
            this.identifier ~ ": follow_inputs finds no mark /" ~ mark ~ "/ in its SQL; take the inputs from changed_inputs()"
        ) %}
    {% endfor %}

    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}

    {% if as_whole %}
        {% call statement('form') %}
            {{ gorod.drop_held(existing) }}
            {{ gorod.drop_held(load_cached_relation(state)) }}
            {{ create_table_as(false, target_relation, 'select * from (' ~ sql ~ ') as form where false') }};
            {{ create_table_as(false, state,
                "select " ~ what ~ ", time_period, cast('' as varchar) as built_from from " ~ inputs ~ " where false") }};
            comment on table {{ state }} is 'From which state of its inputs each period in {{ this.identifier }} was computed.';
            comment on column {{ state }}.{{ what }} is 'Of which {{ what }}.';
            comment on column {{ state }}.time_period is 'Of which period.';
            comment on column {{ state }}.built_from is 'Hash of the definitions, and of the inputs.';
            {{ gorod.comments_on(target_relation, model) }}
        {% endcall %}
        {% do create_indexes(target_relation) %}
    {% endif %}
    {% set compared %}
        with wanted as (
            select {{ what }}, time_period, '{{ definitions }}-' || state as built_from from {{ inputs }}
        )
        select *, true as is_changed from (select * from wanted except select * from {{ state }}) as changed
        union all
        select *, false as is_changed from (select * from {{ state }} except select * from wanted) as gone
    {% endset %}
    {% call statement('main', fetch_result=true) %}
        {{ create_table_as(true, differs, compared) }};
        select distinct is_changed, time_period from {{ differs }} order by time_period
    {% endcall %}
    {% set sides = load_result('main').table.rows %}
    {% set periods = sides | selectattr('is_changed') | map(attribute='time_period') | list %}
    {% set hooks = post_hooks if as_whole or sides | length > 0 else [] %}
    {% if sides | length > periods | length %}
        {% for held in (target_relation, state) %}
            {% call statement('gone_' ~ loop.index) %}
                delete from {{ held }} as held
                using {{ differs }} as gone
                where held.{{ what }} = gone.{{ what }} and held.time_period = gone.time_period and not gone.is_changed
            {% endcall %}
        {% endfor %}
    {% endif %}
    {% if periods %}
        {% set volume = run_query(
            'select (select count(*) from ' ~ ref(config.require('volume')) ~ ') as of_rows,'
            ~ ' (select count(distinct time_period) from ' ~ inputs ~ ') as of_periods'
        ).rows[0] %}
        {% set portions = (volume[0] * (periods | length) / volume[1] / rows_at_once) | round(0, 'ceil') | int %}
        {% set columns = adapter.get_columns_in_relation(target_relation) | map(attribute='quoted') | join(', ') %}
        {% set changed_only = '(inputs.' ~ what ~ ', inputs.time_period) in (select ' ~ what ~ ', time_period from '
            ~ differs ~ ' where is_changed)' %}
        {% for portion in periods | slice([portions, 1] | max) if portion %}
            {% set listed = "in ('" ~ (portion | join("', '")) ~ "')" %}
            {% set with_months = listed %}
            {% if '/* periods and months of ' in sql %}
                {% set months = run_query('select distinct month from ' ~ ref('int_period_month') ~ ' where time_period ' ~ listed) %}
                {% set with_months = "in ('" ~ (portion + months.columns[0].values() | list) | join("', '") ~ "')" %}
            {% endif %}
            {% call statement('portion_' ~ loop.index) %}
                insert into {{ target_relation }} ({{ columns }})
                {{ modules.re.sub(
                    'true /\\* periods of (\\w+) \\*/',
                    '\\1.time_period ' ~ listed,
                    modules.re.sub(
                        'true /\\* periods and months of (\\w+) \\*/',
                        '\\1.time_period ' ~ with_months,
                        sql | replace('true /* not held */', changed_only)
                    )
                ) }}
            {% endcall %}
        {% endfor %}
    {% endif %}
    {% call statement('known') %}
        {% if periods %}
            insert into {{ state }} select {{ what }}, time_period, built_from from {{ differs }} where is_changed;
        {% endif %}
        drop table {{ differs }}
    {% endcall %}

    {{ run_hooks(hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Whether the rows of a table were built by other definitions, or the last build was one of a part of the project. #}
{% macro is_outdated(state, definitions) %}
    {% set builds = source('ops', 'build_state') %}
    {% set last = "(select whole from " ~ builds.render() ~ " where invocation_id <> '" ~ invocation_id ~ "' order by build_no desc limit 1)"
        if load_relation(builds) is not none else 'true' %}
    {% set found = run_query(
        'select ' ~ last ~ ' as whole, (select built_from from ' ~ state ~ ' limit 1) as built_from'
    ).rows[0] %}
    {% do return(found[0] == false or (found[1] is not none and found[1].split('-')[0] != definitions)) %}
{% endmacro %}
