-- A correction whose guard no longer fits stops the build: the source has changed what was corrected, somebody must
-- look.
select correction, measure, ref_area, time_period, breakdown, expected, reported_value, upstream
from {{ ref('mart_correction') }}
where correction_state = 'no_longer_fits'
