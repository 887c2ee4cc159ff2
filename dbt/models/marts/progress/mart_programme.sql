-- The declared programmes. An invented one is there only beside invented data: no plan of the samples stands among real
-- figures.
select programmes.*
from {{ source('catalogue', 'programme') }} as programmes
where
    not programmes.synthetic
    or exists (select 1 from {{ source('ops', 'effective_load') }} as loads where loads.synthetic)
