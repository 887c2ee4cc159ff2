{# What a reader must know of a value, in Russian; null where there is nothing to say. #}
{% macro value_note() -%}
    nullif(trim(
        case
            when reason = 'held_back' then 'Значение удержано: исходные данные не сходятся, см. pub_held_back. '
            else ''
        end
        || case
            when reason is null and coverage_population_pct < 100
                then 'Охват населения ' || replace(cast(coverage_population_pct as varchar), '.', ',') || ' %. '
            else ''
        end
        || case
            when reason is null and coverage_time_pct < 100
                then 'Охват времени ' || replace(cast(coverage_time_pct as varchar), '.', ',') || ' %. '
            else ''
        end
        || case
            when is_thin and is_complete
                then
                    'Сумма не публикуется: охват населения только '
                    || replace(cast(coverage_population_pct as varchar), '.', ',') || ' %. '
            else ''
        end
        || case
            when control_share_pct is not null
                then
                    'Получено не более ' || replace(cast(control_share_pct as varchar), '.', ',')
                    || ' % записей, о которых сообщил сам источник. '
            else ''
        end
        || case
            when reason is null and is_carried
                then 'Знаменатель - на 1 января ' || denominator_period || ' года. '
            else ''
        end
        || case imputed_by
            when 'carry_forward' then 'Значение восполнено: перенесено с ' || imputed_from || '. '
            when 'linear'
                then 'Значение восполнено: между ' || replace(imputed_from, ' ', ' и ') || '. '
            when 'group_mean' then 'Значение восполнено: среднее по соседним территориям. '
            when 'survey' then 'Значение восполнено по данным опроса. '
            else ''
        end
        || case when stands_out_ru is not null then 'Значение выделяется: ' || stands_out_ru || '. ' else '' end
        || case when obs_status = 'B' then 'С этого периода - новая версия методики. ' else '' end
        || case when has_warnings then 'При проверке загрузки были предупреждения. ' else '' end
    ), '')
{%- endmacro %}
