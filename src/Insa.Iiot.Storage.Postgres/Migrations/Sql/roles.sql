-- Run once per cluster by an administrator, before the first migration. None of these roles can log in: a host's logins are members of them.
-- One login per role, so that SQL that gets onto a connection of the application cannot take another role:
--   create role iiot_host login password '...' noinherit in role iiot_app;
--   create role iiot_host_writer login password '...' noinherit in role iiot_writer;
--   create role iiot_host_jobs login password '...' noinherit in role iiot_jobs;
--   create role iiot_deploy login password '...' noinherit in role iiot_owner;
--   create database iiot owner iiot_owner encoding 'UTF8' template template0;
do $$
declare
  role_name text;
begin
  foreach role_name in array array['iiot_owner', 'iiot_writer', 'iiot_app', 'iiot_jobs'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole', role_name);
    end if;
  end loop;
end
$$;
