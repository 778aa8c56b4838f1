using System.Text;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Postgres.Jobs;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Storage.Postgres.Tests.Isolation;

/// <summary>
/// The first layer alone: with row-level security off and every view open, the code still keeps two tenants apart, of which everything has the same
/// names and, as it never would by itself, the same numbers.
/// </summary>
public sealed class OpenedWallsTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId[] Tenants = [TenantId.Parse("mine"), TenantId.Parse("theirs")];
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);
    private readonly List<string> _secrets = [];
    private readonly List<byte[]> _keys = [];

    private PostgresStore _store = null!;

    private PostgresRetention Retention => _store.Services.GetRequiredService<PostgresRetention>();

    public async ValueTask InitializeAsync()
    {
        _store = await PostgresStore.MakeAsync(cluster);
        await FillAsync(Tenants[0]);

        // Numbers are given out across tenants, so that a missing predicate would not show: here both get the same.
        await _store.QueryAsync(
            """
            do $$
            declare
              it record;
            begin
              for it in
                select c.oid::regclass as name, a.attname as number from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attidentity <> ''
                where c.relnamespace = 'iiot'::regnamespace and c.relname <> 'tenant'
              loop
                execute format('alter table %s alter %I restart', it.name, it.number);
              end loop;
            end
            $$
            """
        );
        await FillAsync(Tenants[1]);
        foreach (
            var (table, number) in ((string, string)[])
                [
                    ("telemetry_device", "device_no"),
                    ("telemetry_metric", "metric_no"),
                    ("telemetry_stream", "stream_no"),
                    ("dead_letter", "id"),
                ]
        )
        {
            Assert.Equal(
                true,
                await _store.QueryAsync($"select bool_and(n = 2) from (select count(*) as n from iiot.{table} group by {number}) x")
            );
        }
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reads_show_the_same_as_behind_the_walls(bool isCold)
    {
        if (isCold)
            await _store.Services.GetRequiredService<JobService>().RunOnceAsync(CancellationToken.None);
        Assert.Equal(isCold ? 0L : 120L, await _store.QueryAsync("select count(*) from iiot_data.telemetry_frame"));
        var before = await ReadAllAsync();
        await OpenAsync();
        Assert.Equal(before, await ReadAllAsync());
    }

    [Fact]
    public async Task Changes_touch_no_other_tenant()
    {
        await OpenAsync();
        var before = await ReadAsync(Tenants[1]);
        var policy = (await _store.Retention.ListAsync(Tenants[0])).Single();
        Assert.True(await _store.Retention.SetAsync(Tenants[0], policy with { Keep = TimeSpan.FromDays(7) }, policy.Keep));
        Assert.True(await _store.Retention.RemoveAsync(Tenants[0], policy with { Keep = TimeSpan.FromDays(7) }));
        Assert.True(await _store.Retention.SetAsync(Tenants[0], policy, seen: null));
        await Retention.ReleaseAsync(Tenants[0], "hold");
        await _store.Devices.RotateSecretAsync(Tenants[0], Press);
        await _store.Devices.SetPskAsync(Tenants[0], Press);
        foreach (var id in (string[])["password", "psk", new string('0', 64), Convert.ToHexStringLower(CertificateOf(Tenants[1]))])
            await _store.Devices.RevokeCredentialAsync(Tenants[0], Press, id);
        Assert.Equal(
            DeviceUpdateResult.Done,
            await _store.Devices.UpdateAsync(Tenants[0], new Device { Id = Press, State = DeviceState.Disabled }, 1)
        );
        await _store.Devices.AddManyAsync(Tenants[0], [new Device { Id = DeviceId.Parse("another"), Gateway = Press }]);
        Assert.Equal(
            DeviceUpdateResult.GatewayNotFound,
            await _store.Devices.UpdateAsync(Tenants[0], new Device { Id = Press, Gateway = DeviceId.Parse("of-theirs") }, 2)
        );

        // Which is one of its own, of the same number.
        foreach (var letter in await _store.DeadLetters.ListAsync(Tenants[1], 0, 100))
            Assert.True(await _store.DeadLetters.RemoveAsync(Tenants[0], letter.Id));
        for (var i = 0; i <= PostgresStore.MaxDeadLetters; i++)
            await AppendDeadLetterAsync(Tenants[0]);
        await _store.Devices.RemoveAsync(Tenants[0], Press);
        Assert.Equal(before, await ReadAsync(Tenants[1]));
        var credential = DeviceCredential.FromPassword("press@theirs", Encoding.ASCII.GetBytes(_secrets[1]));
        Assert.True((await _store.Devices.AuthenticateAsync(credential))!.TryResolve("sensor"u8, out _));
        Assert.Equal(_keys[1], (await _store.Devices.FindPskAsync("press@theirs"))!.Key.ToArray());
    }

    private async Task FillAsync(TenantId tenant)
    {
        await _store.Devices.AddAsync(tenant, new Device { Id = Press, DisplayName = $"of {tenant}" });
        await _store.Devices.AddAsync(tenant, new Device { Id = DeviceId.Parse("sensor"), Gateway = Press });
        await _store.Devices.AddCertificateAsync(tenant, Press, CertificateOf(tenant));
        await _store.Devices.SetPskAsync(tenant, Press);
        _keys.Add((await _store.Devices.FindPskAsync($"press@{tenant}"))!.Key.ToArray());
        if (tenant == Tenants[1])
            await _store.Devices.AddAsync(tenant, new Device { Id = DeviceId.Parse("of-theirs") });
        _secrets.Add((await _store.Devices.RotateSecretAsync(tenant, Press))!);
        await AppendDeadLetterAsync(tenant);
        await _store.SetPolicyAsync(tenant, new RetentionPolicy("*", RetentionTier.Raw, TimeSpan.FromDays(36_500)));
        await Retention.HoldAsync(tenant, new LegalHold("hold", "*", "*", Noon, Noon.AddDays(1), $"of {tenant}"));
        using var writer = new BatchWriter();
        for (var i = 0; i < 60; i++)
            writer.Add(tenant, Press, Noon.AddMinutes(i), frame => frame.AddDouble("n"u8, tenant == Tenants[0] ? i : -i));
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private static byte[] CertificateOf(TenantId tenant)
    {
        var hash = new byte[32];
        hash[0] = (byte)(1 + Array.IndexOf(Tenants, tenant));
        return hash;
    }

    private Task AppendDeadLetterAsync(TenantId tenant) =>
        _store.DeadLetters.AppendAsync(
            [
                new DeadLetter
                {
                    Tenant = tenant,
                    Device = Press,
                    ReceivedAt = Noon,
                    Reason = IngestReason.Malformed,
                    MediaType = $"text/{tenant}",
                    Payload = new byte[] { 1 },
                },
            ],
            CancellationToken.None
        );

    private async Task OpenAsync()
    {
        await _store.QueryAsync(
            """
            do $$
            declare
              it record;
            begin
              for it in
                select c.oid::regclass as name, relkind, pg_get_viewdef(c.oid) as text
                from pg_class c where relnamespace = 'iiot'::regnamespace and relkind in ('r', 'v')
              loop
                if it.relkind = 'r' then
                  execute format('alter table %s no force row level security, disable row level security', it.name);
                else
                  execute format('create or replace view %s as %s', it.name, regexp_replace(it.text,
                    $re$\(\S*tenant_no = \( SELECT \(NULLIF\(current_setting\('iiot\.tenant'::text, true\), ''::text\)\)::integer AS "nullif"\)\)$re$,
                    'true'));
                end if;
              end loop;
            end
            $$
            """
        );
        await using var app = await RawConnection.OpenAsync(_store.Database.App);
        foreach (var relation in (string[])["iiot.device", "iiot.dead_letter", "iiot.retention_policy", "iiot.telemetry_stream"])
            Assert.Equal(2L, await app.ScalarAsync($"select count(distinct tenant_no) from {relation}"));
        Assert.Equal(
            2L,
            await app.ScalarAsync(
                "select count(distinct tenant_no) from (select tenant_no from iiot.telemetry_frame union all select tenant_no from iiot.telemetry_chunk) t"
            )
        );
    }

    private async Task<List<string>> ReadAllAsync() => [.. await ReadAsync(Tenants[0]), .. await ReadAsync(Tenants[1])];

    private async Task<List<string>> ReadAsync(TenantId tenant)
    {
        var range = new TelemetryAggregateQuery
        {
            Device = Press,
            Metric = "n",
            From = Noon,
            To = Noon.AddHours(1),
            Bucket = TimeSpan.FromHours(1),
        };
        var series = new TelemetrySeriesQuery
        {
            Series = [new TelemetrySeries(Press, "n")],
            From = Noon,
            To = Noon.AddHours(1),
            Bucket = TimeSpan.FromMinutes(1),
        };
        List<string> all =
        [
            .. (await _store.Devices.ListAsync(tenant, null, 100)).Select(device => $"{device.Id} {device.DisplayName} {device.Gateway}"),
            $"{await _store.Devices.FindAsync(tenant, Press)}",
            .. (await _store.Devices.ListByGatewayAsync(tenant, Press, null, 100)).Select(device => $"{device}"),
            .. (await _store.Devices.ListCredentialsAsync(tenant, Press)).Select(found =>
                $"{found.Id} {found.CreatedAt:O} {found.RotatedAt:O}"
            ),
            $"{await _store.Statistics.CountDevicesAsync(tenant, Noon)}",
            .. (await _store.Statistics.CountPointsAsync(tenant, DateOnly.FromDateTime(Noon), 1)).Select(count => $"{count}"),
            .. (await _store.Statistics.ListBusiestAsync(tenant, DateOnly.FromDateTime(Noon), 1, 10)).Select(count => $"{count}"),
            $"{(await _store.DeadLetters.FindAsync(tenant, (await _store.DeadLetters.ListAsync(tenant, 0, 1))[0].Id))!.MediaType}",
            .. (await _store.DeadLetters.ListAsync(tenant, 0, 100)).Select(letter => $"{letter.Id} {letter.MediaType}"),
            .. (await _store.Retention.ListAsync(tenant)).Select(policy => $"{policy}"),
            .. (await Retention.ListHoldsAsync(tenant)).Select(hold => $"{hold}"),
            .. (await _store.Reader.ReadLatestAsync(tenant, Press)).Select(point => $"{point}"),
            .. (await _store.Reader.AggregateAsync(tenant, range)).Select(bucket => $"{bucket}"),
        ];
        await foreach (var point in _store.Reader.ReadAsync(tenant, new TelemetryQuery { Device = Press }))
            all.Add($"{point}");
        await foreach (var bucket in _store.SeriesReader.AggregateAsync(tenant, series))
            all.Add($"{bucket}");
        await foreach (var point in _store.SeriesReader.ReadLatestAsync(tenant, [Press]))
            all.Add($"{point}");

        // 2 devices and both again, 3 credentials, 3 counts, a letter and again, a policy, a hold, the latest twice, a bucket, 60 points, 60 buckets.
        Assert.Equal(tenant == Tenants[0] ? 137 : 138, all.Count);
        return all;
    }
}
