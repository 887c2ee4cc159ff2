-- Resources of the operator's inventory at the end of a month, with the territory of their SOATO code.
{{ located_by_soato(source('raw', 'beltelecom_inventory__resources'), [
    'resource_id', 'category', 'usage_state', 'resource_status', 'length_km', 'speed_mbps', 'onu_capacity',
    'onu_connected', 'fibre_count', 'capacity', 'occupied'
]) }}
