-- Sites of the operator at the end of a month, with the territory of their SOATO code.
{{ located_by_soato(source('raw', 'beltelecom_services__sites'), [
    'site_id', 'site_type', 'status', 'homes_passed', 'homes_connected', 'ports_equipped', 'ports_active'
]) }}
