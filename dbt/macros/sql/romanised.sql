{#
    A Belarusian name in Latin letters, by the national rules for geographical names (instruction of 2000 as amended in
    2007, recommended by the United Nations in 2012): Барысаў Barysaŭ, Глыбокае Hlybokaje, Бялынічы Bialyničy.
    After a consonant е, ё, ю, я are ie, io, iu, ia, elsewhere je, jo, ju, ja; a soft sign is a mark on its consonant.
#}
{% macro romanised(name) -%}
    {% set text = namespace(sql=name) %}
    {% for found, latin in [
        ('([еёюя])', 'j\\1'), ('([ЕЁЮЯ])', 'J\\1'), ('([БВГДЖЗКЛМНПРСТФХЦЧШбвгджзклмнпрстфхцчш])j', '\\1i'),
        ('х', 'cх'), ('Х', 'CХ'), ('зь', 'ź'), ('ль', 'ĺ'), ('нь', 'ń'), ('сь', 'ś'), ('ць', 'ć')
    ] %}
        {% set text.sql = "regexp_replace(" ~ text.sql ~ ", '" ~ found ~ "', '" ~ latin ~ "', 'g')" %}
    {% endfor %}
    {# the last have no counterpart and are left out #}
    translate(
        {{ text.sql }},
        'АБВГДЕЁЖЗІЙКЛМНОПРСТУЎФХЦЧШЫЭЮЯабвгдеёжзійклмнопрстуўфхцчшыэюяь''’ʼ',
        'ABVHDeoŽZIJKLMNOPRSTUŬFhCČŠYEuaabvhdeožzijklmnoprstuŭfhcčšyeua'
    )
{%- endmacro %}
