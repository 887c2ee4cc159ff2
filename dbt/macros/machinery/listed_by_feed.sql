{#
    A list of loads (for "in") divided by feed, ``source__feed``: a long list in each of dozens of branches doubles the time
    for planning them. A feed with very many loads keeps the list as it is.
#}
{% macro listed_by_feed(loads) %}
    {% set found = {} %}
    {% set effective = gorod.whole_table('ops', 'effective_load') %}
    {% for row in run_query(
        "select source || '__' || feed, load_id from " ~ effective ~ ' where load_id in ' ~ loads ~ ' order by load_id'
    ) %}
        {% do found.setdefault(row[0], []).append(row[1]) %}
    {% endfor %}
    {% for feed, own in found.items() %}
        {% do found.update({feed: "('" ~ own | join("', '") ~ "')" if own | length <= 1000 else loads}) %}
    {% endfor %}
    {% do return(found) %}
{% endmacro %}
