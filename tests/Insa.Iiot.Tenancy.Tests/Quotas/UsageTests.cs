using System.Text;
using System.Text.Json;

namespace Insa.Iiot.Tenancy.Tests.Quotas;

public sealed class UsageTests
{
    private static readonly DateTime From = new(2026, 11, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly DateTime To = new(2026, 12, 1, 0, 0, 0, DateTimeKind.Utc);

    [Fact]
    public async Task The_ledger_says_what_all_hosts_admitted_hour_by_hour()
    {
        var (world, one) = await QuotaWorld.MakeAsync(QuotaWorld.Rated((TenantRates.Messages, "40:3600")));
        await using var _ = world;
        var other = await world.StartAsync();
        await one.MeetAsync();
        await other.MeetAsync();
        var (messages, refused) = (2, 0);
        for (var hour = 0; hour < 3; hour++)
        {
            foreach (var host in new[] { one, other })
            {
                for (var i = 0; i < 50; i++)
                {
                    var isAdmitted = host.Admit(bytes: 10).Reason == IngestReason.None;
                    messages += isAdmitted ? 1 : 0;
                    refused += isAdmitted ? 0 : 1;
                    if (isAdmitted)
                        await host.CommitAsync(3);
                }
            }

            world.Time.Advance(TimeSpan.FromHours(1));
            await QuotaWorld.UntilAsync(async () =>
            {
                world.Time.Advance(TimeSpan.FromSeconds(1));
                return (await ReadAsync(one)).Sum(sum => sum.Messages) == messages;
            });
        }

        await one.StopAsync();
        await other.StopAsync();
        var hours = await ReadAsync(one);
        Assert.Equal(hours.Select(hour => hour.Hour).Distinct().Order(), hours.Select(hour => hour.Hour));
        Assert.InRange(hours.Count, 3, 4);
        Assert.Equal(
            (messages, (messages - 2) * 3L, messages * 10L, (long)refused),
            (
                hours.Sum(hour => hour.Messages),
                hours.Sum(hour => hour.Points),
                hours.Sum(hour => hour.Bytes),
                hours.Sum(hour => hour.RefusedRate)
            )
        );
    }

    [Fact]
    public async Task What_cannot_be_written_for_one_tenant_at_the_end_does_not_cost_the_others()
    {
        var (world, first) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        CountingStore store = null!;
        var host = await world.StartAsync(over: inner => store = new CountingStore(inner));
        TenantId[] tenants = [.. Enumerable.Range(0, 16).Select(i => TenantId.Parse($"t{i}"))];
        foreach (var tenant in tenants)
        {
            await host.Tenants.CreateAsync(tenant, new TenantSettings { DisplayName = "Plant" });
            host.Admit(new DeviceSession(tenant, QuotaWorld.Pump.Device));
            await QuotaWorld.UntilAsync(() => host.QuotaOf(tenant).Snapshot is not null);
        }

        var away = tenants[..8].Select(tenant => ControlScope.Of(tenant)).ToHashSet();
        store.Refuses = changes => changes.Any(change => away.Contains(change.Scope));
        await host.StopAsync();
        foreach (var tenant in tenants[8..])
        {
            var messages = 0L;
            await foreach (var hour in first.Ledger.ReadAsync(tenant, From, To))
                messages += hour.Messages;
            Assert.Equal(1, messages);
        }
    }

    [Fact]
    public async Task A_closed_hour_is_exported_with_the_same_bytes_again()
    {
        var (world, host) = await QuotaWorld.MakeAsync();
        await using var _ = world;
        await host.MeetAsync();
        await host.CommitAsync(4);
        await host.StopAsync();
        Assert.Equal("", await ExportAsync(host, UsageFormat.CloudEvents));
        world.Time.Advance(TimeSpan.FromMinutes(70));
        var line = await ExportAsync(host, UsageFormat.CloudEvents);
        world.Time.Advance(TimeSpan.FromDays(40));
        Assert.Equal(line, await ExportAsync(host, UsageFormat.CloudEvents));

        var json = JsonDocument.Parse(line).RootElement;
        Assert.Equal("1.0", json.GetProperty("specversion").GetString());
        Assert.Equal("plant.2026111008", json.GetProperty("id").GetString());
        Assert.Equal("insa.iiot.usage.v1", json.GetProperty("type").GetString());
        Assert.Equal("plant", json.GetProperty("subject").GetString());
        Assert.Equal("2026-11-10T09:00:00Z", json.GetProperty("time").GetString());
        Assert.Equal(4, json.GetProperty("data").GetProperty("points").GetInt64());
        Assert.Equal(
            "tenant,hour,messages,points,bytes,refused_inactive,refused_quota,refused_rate,storage_days\nplant,2026-11-10T08:00:00Z,1,4,10,0,0,0,0\n",
            await ExportAsync(host, UsageFormat.Csv)
        );
    }

    [Fact]
    public async Task Every_limit_says_how_it_stands()
    {
        var settings = QuotaWorld.Rated((TenantRates.Messages, "2:1,10:60")) with
        {
            Limits = new Dictionary<string, long?> { [TenantAmounts.PointsPerMonth] = 1_000 },
        };
        var (world, host) = await QuotaWorld.MakeAsync(settings);
        await using var _ = world;
        await host.MeetAsync();
        while (host.Admit().Reason == IngestReason.None)
        {
            // Until it is too fast.
        }

        await host.CommitAsync(5);
        var now = world.Time.GetUtcNow().UtcDateTime;
        var usage = await host.Usage.ReadAsync(QuotaWorld.Plant);
        Assert.Equal(
            [
                "admins",
                "api-keys",
                "children",
                "devices",
                "invitations",
                "roles",
                "users",
                "messages 1s",
                "messages 60s",
                "bytes-per-month 2026-11",
                "points-per-month 2026-11",
                "storage-days 2026-11",
            ],
            usage.Select(limit => $"{limit.Name} {limit.Period}".TrimEnd())
        );
        var second = usage[7];
        Assert.Equal((LimitKind.Rate, 2L, 2L, 0L), (second.Kind, second.Limit, second.Used, second.Remaining));
        Assert.Equal((now.AddSeconds(1), now, 1L), (second.ResetsAt, second.LastRefusedAt, second.RefusedInHour));
        Assert.Equal((2L, 8L), (usage[8].Used, usage[8].Remaining));
        Assert.Equal((LimitKind.Amount, null), (usage[9].Kind, usage[9].Limit));
        Assert.Equal((1_000L, 5L, 995L, To), (usage[10].Limit, usage[10].Used, usage[10].Remaining, usage[10].ResetsAt));
        Assert.Empty(await host.Usage.ReadAsync(TenantId.Parse("nobody")));
    }

    private static async Task<List<UsageHour>> ReadAsync(QuotaWorld.QuotaHost host)
    {
        var hours = new List<UsageHour>();
        await foreach (var hour in host.Ledger.ReadAsync(QuotaWorld.Plant, From, To))
            hours.Add(hour);
        return hours;
    }

    private static async Task<string> ExportAsync(QuotaWorld.QuotaHost host, UsageFormat format)
    {
        using var stream = new MemoryStream();
        await host.Ledger.ExportAsync(QuotaWorld.Plant, From, To, format, stream);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
