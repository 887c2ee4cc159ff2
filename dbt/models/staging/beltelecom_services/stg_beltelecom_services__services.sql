-- Services of the operator at the end of a month, with the territory of their SOATO code.
{{ located_by_soato(source('raw', 'beltelecom_services__services'), [
    'service_id', 'category', 'service_state', 'started_on', 'technology', 'speed_mbps'
]) }}
