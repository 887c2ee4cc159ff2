{#
    What a territory is made of, in each year of the present division: regions make the country, districts and cities of
    oblast subordination make their region; whether the part must have a figure, and how many of them must. A part that has
    ended, or has not begun, need not, and counts where it has. A year in which the borders within a territory changed is
    left out: its figures may be of either. The year _Z is today.
#}
{% macro parts_of_territories() %}
select
    years.year,
    lain.ref_area,
    lain.parent,
    coalesce(parts.listed_from, years.first_day) <= years.first_day
    and coalesce(parts.listed_to, years.last_day) >= years.last_day as is_required,
    sum(case
        when
            coalesce(parts.listed_from, years.first_day) <= years.first_day
            and coalesce(parts.listed_to, years.last_day) >= years.last_day
            then 1
        else 0
    end) over (partition by years.year, lain.parent) as required_count
from (
    select
        time_period as year,
        first_day,
        last_day
    from {{ ref('dim_period') }}
    where freq = 'A' and time_period >= '{{ var("division_since") }}'
    union all
    select
        '_Z' as year,
        cast('9999-12-31' as date) as first_day,
        cast('9999-12-31' as date) as last_day
) as years
inner join {{ ref('int_territory_parent') }} as lain on years.last_day between lain.valid_from and lain.valid_to
inner join {{ ref('dim_territory') }} as parts on lain.ref_area = parts.ref_area
inner join {{ ref('dim_territory') }} as above on lain.parent = above.ref_area
left join {{ ref('stg_catalogue__subordination') }} as subordination on lain.ref_area = subordination.ref_area
where
    (
        (parts.level = 'region' and above.level = 'country')
        or (above.level = 'region' and (parts.level = 'district' or subordination.ref_area is not null))
    )
    and not exists (
        select 1
        from (
            select
                parent,
                valid_from as changed_on
            from {{ ref('int_territory_parent') }}
            union all
            select
                parent,
                case when valid_to < cast('9999-12-31' as date) then valid_to + 1 end as changed_on
            from {{ ref('int_territory_parent') }}
            union all
            select
                parent,
                listed_from as changed_on
            from {{ ref('dim_territory') }}
            union all
            select
                parent,
                listed_to + 1 as changed_on
            from {{ ref('dim_territory') }}
        ) as changes
        where changes.parent = lain.parent and changes.changed_on between years.first_day and years.last_day
    )
{% endmacro %}
