{#
    Cost follows what is new: the materialization of the large tables between observations and marts. Each row says in
    built_from from which state of its inputs it was computed: a hash of the loads, months and territories that
    int_measure_input or int_indicator_input give for its measure or indicator and its period, after a hash of the
    definitions. A build takes out rows whose state is another now, computes these periods, and leaves all others; where
    no state differs it touches nothing, and runs no hook. A correction, a waiver and its end are changes like any. It is
    one transaction: a process that is killed leaves the table as it was, with what its rows were built from.

    The config inputs says whether a model goes by measure or by indicator. Its SQL takes them from changed_inputs(); by
    itself that is all of them, and here what has changed. The config volume names the model whose rows say in how many
    portions of periods the work is done, so that memory does not grow with the number of years.
#}
{% materialization follow_inputs, default %}
    {% set rows_at_once = 2000000 %}
    {% set what = config.require('inputs') %}
    {% set target_relation = this.incorporate(type='table') %}
    {% set existing = load_cached_relation(this) %}
    {% set inputs = ref('int_' ~ what ~ '_input') %}
    {% set definitions = "'" ~ definitions_hash()[:8] ~ "-' || " %}
    {% set built_from = definitions ~ 'inputs.state' %}
    {% set differs = make_temp_relation(target_relation, '__differs') %}
    {% set as_whole = existing is none or not existing.is_table or should_full_refresh() %}

    {{ run_hooks(pre_hooks, inside_transaction=false) }}
    {{ run_hooks(pre_hooks, inside_transaction=true) }}

    {% if as_whole %}
        {% if existing is not none %}
            {% do adapter.drop_relation(existing) %}
        {% endif %}
        {% call statement('form') %}
            {{ create_table_as(false, target_relation, 'select * from (' ~ sql ~ ') as form where false') }}
        {% endcall %}
        {% do create_indexes(target_relation) %}
        {% do persist_docs(target_relation, model) %}
    {% endif %}
    {% set compared %}
        with held as (
            select distinct {{ what }}, time_period, built_from from {{ target_relation }}
        ),
        wanted as (
            select {{ what }}, time_period, {{ built_from }} as built_from from {{ inputs }} as inputs
        )
        select *, true as is_changed from (select * from wanted except select * from held) as changed
        union all
        select *, false as is_changed from (select * from held except select * from wanted) as gone
    {% endset %}
    {% call statement('main') %}
        {{ create_table_as(true, differs, compared) }}
    {% endcall %}
    {% set sides = run_query('select distinct is_changed, time_period from ' ~ differs ~ ' order by time_period').rows %}
    {% set periods = sides | selectattr('is_changed') | map(attribute='time_period') | list %}
    {% set hooks = post_hooks if as_whole or sides | length > 0 else [] %}
    {% if sides | length > periods | length %}
        {% call statement('gone') %}
            delete from {{ target_relation }} as held
            using {{ differs }} as gone
            where held.{{ what }} = gone.{{ what }} and held.time_period = gone.time_period
                and held.built_from = gone.built_from and not gone.is_changed
        {% endcall %}
    {% endif %}
    {% if periods %}
        {% set known = run_query('select count(distinct time_period) from ' ~ inputs).columns[0].values()[0] | int %}
        {% set rows = run_query('select count(*) from ' ~ ref(config.require('volume'))).columns[0].values()[0] | int %}
        {% set portions = (rows * (periods | length) / known / rows_at_once) | round(0, 'ceil') | int %}
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
                        sql | replace('true /* not held */', changed_only) | replace('/* definitions */', definitions)
                    )
                ) }}
            {% endcall %}
        {% endfor %}
    {% endif %}
    {% do adapter.drop_relation(differs) %}

    {{ run_hooks(hooks, inside_transaction=true) }}
    {{ adapter.commit() }}
    {{ run_hooks(hooks, inside_transaction=false) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
