-- Distributes telemetry by tenant over the workers of Citus; all else stays on the coordinator. To be run once by a member of iiot_owner.
-- Unverified: written after Citus' documentation, and never run where the extension is.
begin;
set local role iiot_owner;

do $$
begin
  if not exists (select from pg_extension where extname = 'citus') then
    raise exception 'Citus is not in this database: create extension citus, or leave the schema as it is';
  end if;
end
$$;

select create_distributed_table('iiot_data.telemetry_frame', 'tenant_no');
select create_distributed_table('iiot_data.telemetry_chunk', 'tenant_no', colocate_with => 'iiot_data.telemetry_frame');
select create_distributed_table('iiot_data.rollup_minute', 'tenant_no', colocate_with => 'iiot_data.telemetry_frame');
select create_distributed_table('iiot_data.rollup_hour', 'tenant_no', colocate_with => 'iiot_data.telemetry_frame');
select create_distributed_table('iiot_data.rollup_day', 'tenant_no', colocate_with => 'iiot_data.telemetry_frame');

commit;
