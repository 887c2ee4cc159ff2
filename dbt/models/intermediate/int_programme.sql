-- The declared programmes. An invented one is there only beside invented data: no plan of the samples stands among real figures.
select *
from {{ source('catalogue', 'programme') }}
where not synthetic or exists (select 1 from {{ source('ops', 'effective_load') }} where synthetic)
