{#
    What each row adds to, from what the feeds give (model int_contributions).

    Where the source's figure of a territory holds that of another that lies beside it (an oblast with its republican
    city), the other's is taken out again; if it is not in the same load, nobody knows the rest: told once, however many
    parts are missing.
#}
{% macro contributions(given, parts) %}
with given as (
    select * from {{ given }}
),

wholes as (
    select
        given.measure,
        given.ref_area,
        given.freq,
        given.time_period,
        given.breakdown,
        given.load_id,
        min(given.row_no) as row_no,
        count(*) = count(given.value) as is_known,
        inside.part
    from given
    inner join {{ parts }} as inside
        on given.measure = inside.measure and given.ref_area = inside.whole
    group by
        given.measure, given.ref_area, given.freq, given.time_period, given.breakdown, given.load_id, inside.part
)

select * from given
union all
select distinct
    wholes.measure,
    wholes.ref_area,
    wholes.freq,
    wholes.time_period,
    wholes.breakdown,
    {{ fixed('-parts.value') }} as value,
    coalesce(parts.obs_status, 'A') as obs_status,
    wholes.load_id,
    coalesce(parts.row_no, wholes.row_no) as row_no
from wholes
left join given as parts
    on
        wholes.load_id = parts.load_id
        and wholes.measure = parts.measure
        and wholes.part = parts.ref_area
        and wholes.freq = parts.freq
        and wholes.time_period = parts.time_period
        and wholes.breakdown = parts.breakdown
where parts.value is not null or wholes.is_known
{% endmacro %}

{# The rows that observations are the sums of, with their loads (model mart_trace_row). #}
{% macro traced_rows(contributions, loads) %}
select
    parts.measure,
    parts.ref_area,
    parts.breakdown,
    parts.freq,
    parts.time_period,
    parts.load_id,
    parts.row_no,
    parts.value,
    loads.source,
    loads.feed,
    loads.instance,
    loads.slice,
    loads.files,
    loads.sha256,
    loads.received_at
from {{ contributions }} as parts
inner join {{ loads }} as loads on parts.load_id = loads.load_id
{% endmacro %}

{#
    The rows of some loads (a list for "in") in one of the views over the contributions of all feeds, by the same SQL as
    the view, but over the feeds of these loads alone: an engine spends half a second on planning a query of dozens of
    views, however few rows they hold. A load's rows come from the models of its own feed and from no other.
#}
{% macro rows_of_loads(relation, loads) %}
    {% set views = ['int_contributions_given', 'int_contributions', 'mart_trace_row'] %}
    {% set name = relation.identifier if execute else none %}
    {% set models = gorod.models_of_loads(loads) if name in views and not flags.EMPTY else [] %}
    {% if not models %}
        {% do return('(select * from ' ~ relation ~ ' where load_id in ' ~ loads ~ ')') %}
    {% endif %}
    {% set branches = [] %}
    {% for one, own in models.items() %}
        {% do branches.append(
            'select measure, ref_area, freq, time_period, breakdown, value, obs_status, load_id, row_no from '
            ~ gorod.relation_of(one) ~ ' where load_id in ' ~ own
        ) %}
    {% endfor %}
    {% set rows = '(' ~ branches | join(' union all ') ~ ')' %}
    {% if name != 'int_contributions_given' %}
        {% set rows = '(' ~ gorod.contributions(rows ~ ' as given', gorod.relation_of('stg_catalogue__measure_part')) ~ ')' %}
    {% endif %}
    {% if name == 'mart_trace_row' %}
        {% set rows = '(' ~ gorod.traced_rows(rows, gorod.whole_table('ops', 'load_state')) ~ ')' %}
    {% endif %}
    {% do return(rows) %}
{% endmacro %}

{# The models that say what the rows of some loads add, those of their feeds, each with the list of its own loads. #}
{% macro models_of_loads(loads) %}
    {% set lists = gorod.listed_by_feed(loads) %}
    {% set models = {} %}
    {% for feed, own in counted_feeds().items() if feed in lists %}
        {% for model in own %}
            {% do models.update({model: lists[feed]}) %}
        {% endfor %}
    {% endfor %}
    {% do return(models) %}
{% endmacro %}

{# A model that stands behind one that is referred to: lineage and order follow from that one. #}
{% macro relation_of(name) %}
    {% do return(graph.nodes['model.gorod.' ~ name].relation_name) %}
{% endmacro %}
