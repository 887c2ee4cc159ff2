-- One word for one thing: candidate (was offer), history (was vintages), derivation (was made).
alter table ops.offer rename to candidate;
drop index if exists ops.offer_load;
-- Where there is intermediate.dim_territory:
-- The dimensions are in marts now; dbt builds them there.
drop table if exists intermediate.dim_territory cascade;
-- Where there is intermediate.dim_period:
drop table if exists intermediate.dim_period cascade;
-- Where there is intermediate.dim_indicator_part:
drop view if exists intermediate.dim_indicator_part cascade;
-- Where there is vintages.known_indicator_value:
-- DuckDB renames no schema: the rows move, whole and in this transaction. What stood on the table is built again by dbt.
alter table vintages.known_indicator_value rename column made to derivation;
alter table vintages.known_indicator_value rename column vintage_id to history_id;
create schema history;
create table history.known_indicator_value as select * from vintages.known_indicator_value;
drop table vintages.known_indicator_value cascade;
drop schema vintages cascade;
