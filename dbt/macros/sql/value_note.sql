{# What a reader must know of a value, in ru, be or en; null where there is nothing to say. #}
{% macro value_note(language) -%}
    {% set say = {
        'ru': {
            'held_back': 'Значение удержано: исходные данные не сходятся, см. pub_held_back. ',
            'low': ['Низкий охват, только ', ' % населения: ', '. '],
            'people': ['Охват населения ', ' %. '],
            'low_unknown': ['Низкий охват, доля населения неизвестна: ', '. '],
            'people_unknown': 'Охват населения неизвестен. ',
            'low_coverage_unknown': 'Сумма не публикуется: охват населения неизвестен. ',
            'months': ['Охват времени ', ' %. '],
            'low_coverage': ['Сумма не публикуется: охват населения только ', ' %. '],
            'control': ['Получено не более ', ' % записей, о которых сообщил сам источник. '],
            'carried': ['Знаменатель - на 1 января ', ' года. '],
            'carry_forward': ['Значение восполнено: перенесено с ', '. '],
            'linear': ['Значение восполнено: между ', '. '],
            'and': ' и ',
            'group_mean': 'Значение восполнено: среднее по соседним территориям. ',
            'survey': 'Значение восполнено по данным опроса. ',
            'stands_out': ['Значение выделяется: ', '. '],
            'break': 'С этого периода - новая версия методики. ',
            'warnings': 'При проверке загрузки были предупреждения. ',
        },
        'be': {
            'held_back': 'Значэнне ўтрымана: зыходныя даныя не сыходзяцца, гл. pub_held_back. ',
            'low': ['Нізкі ахоп, толькі ', ' % насельніцтва: ', '. '],
            'people': ['Ахоп насельніцтва ', ' %. '],
            'low_unknown': ['Нізкі ахоп, доля насельніцтва невядомая: ', '. '],
            'people_unknown': 'Ахоп насельніцтва невядомы. ',
            'low_coverage_unknown': 'Сума не публікуецца: ахоп насельніцтва невядомы. ',
            'months': ['Ахоп часу ', ' %. '],
            'low_coverage': ['Сума не публікуецца: ахоп насельніцтва толькі ', ' %. '],
            'control': ['Атрымана не больш за ', ' % запісаў, пра якія паведаміла сама крыніца. '],
            'carried': ['Назоўнік - на 1 студзеня ', ' года. '],
            'carry_forward': ['Значэнне запоўнена: перанесена з ', '. '],
            'linear': ['Значэнне запоўнена: паміж ', '. '],
            'and': ' і ',
            'group_mean': 'Значэнне запоўнена: сярэдняе па суседніх тэрыторыях. ',
            'survey': 'Значэнне запоўнена паводле даных апытання. ',
            'stands_out': ['Значэнне вылучаецца: ', '. '],
            'break': 'З гэтага перыяду - новая версія методыкі. ',
            'warnings': 'Пры праверцы загрузкі былі папярэджанні. ',
        },
        'en': {
            'held_back': 'Held back: the data behind it contradict each other, see pub_held_back. ',
            'low': ['Low coverage, only ', ' % of the population: ', '. '],
            'people': ['Covers ', ' % of the population. '],
            'low_unknown': ['Low coverage, of a share of the population that is not known: ', '. '],
            'people_unknown': 'It is not known how much of the population it covers. ',
            'low_coverage_unknown': 'The sum is not published: it is not known how much of the population it would cover. ',
            'months': ['Covers ', ' % of the months. '],
            'low_coverage': ['The sum is not published: it would cover only ', ' % of the population. '],
            'control': ['At most ', ' % of the records that the source itself counts were received. '],
            'carried': ['Denominator of 1 January ', '. '],
            'carry_forward': ['Filled in: carried forward from ', '. '],
            'linear': ['Filled in: between ', '. '],
            'and': ' and ',
            'group_mean': 'Filled in: mean of the neighbouring territories. ',
            'survey': 'Filled in from a survey. ',
            'stands_out': ['Stands out: ', '. '],
            'break': 'New version of the method from this period on. ',
            'warnings': 'There were warnings when the load was checked. ',
        },
    }[language] %}
    nullif(trim(
        case when reason = 'held_back' then '{{ say.held_back }}' else '' end
        || case
            when reason is null and coverage_population_pct = 0 and is_low_coverage
                then '{{ say.low_unknown[0] }}' || whose_{{ language }} || '{{ say.low_unknown[1] }}'
            when reason is null and coverage_population_pct = 0 then '{{ say.people_unknown }}'
            when reason is null and is_low_coverage
                then
                    '{{ say.low[0] }}' || {{ percent_in_words('coverage_population_pct', language) }}
                    || '{{ say.low[1] }}' || whose_{{ language }} || '{{ say.low[2] }}'
            when reason is null and coverage_population_pct < 100
                then
                    '{{ say.people[0] }}' || {{ percent_in_words('coverage_population_pct', language) }}
                    || '{{ say.people[1] }}'
            else ''
        end
        || case
            when reason is null and coverage_time_pct < 100
                then
                    '{{ say.months[0] }}' || {{ percent_in_words('coverage_time_pct', language) }}
                    || '{{ say.months[1] }}'
            else ''
        end
        || case
            when low_coverage and coverage_population_pct = 0 then '{{ say.low_coverage_unknown }}'
            when low_coverage
                then
                    '{{ say.low_coverage[0] }}' || {{ percent_in_words('coverage_population_pct', language) }}
                    || '{{ say.low_coverage[1] }}'
            else ''
        end
        || case
            when control_share_pct is not null
                then
                    '{{ say.control[0] }}' || {{ percent_in_words('control_share_pct', language) }}
                    || '{{ say.control[1] }}'
            else ''
        end
        || case
            when reason is null and is_carried
                then '{{ say.carried[0] }}' || denominator_period || '{{ say.carried[1] }}'
            else ''
        end
        || case imputed_by
            when 'carry_forward' then '{{ say.carry_forward[0] }}' || imputed_from || '{{ say.carry_forward[1] }}'
            when 'linear'
                then
                    '{{ say.linear[0] }}' || replace(imputed_from, ' ', '{{ say["and"] }}')
                    || '{{ say.linear[1] }}'
            when 'group_mean' then '{{ say.group_mean }}'
            when 'survey' then '{{ say.survey }}'
            else ''
        end
        || case
            when stands_out_{{ language }} is not null
                then '{{ say.stands_out[0] }}' || stands_out_{{ language }} || '{{ say.stands_out[1] }}'
            else ''
        end
        || case when obs_status = 'B' then '{{ say.break }}' else '' end
        || case when has_warnings then '{{ say.warnings }}' else '' end
    ), '')
{%- endmacro %}

{# A share in per cent as people write it: 14.60 is 14,6 in Russian and Belarusian. #}
{% macro percent_in_words(column, language) -%}
    {%- set digits = "rtrim(rtrim(cast(" ~ column ~ " as varchar), '0'), '.')" -%}
    {{ digits if language == 'en' else "replace(" ~ digits ~ ", '.', ',')" }}
{%- endmacro %}
