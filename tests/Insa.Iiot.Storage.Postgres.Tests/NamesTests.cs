using System.Text;
using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Postgres.Tests;

/// <summary>Names are data: none of them ever becomes SQL, a pattern or an escape.</summary>
public sealed class NamesTests(PostgresCluster cluster) : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    // Without control characters, which a metric's name cannot have.
    private static readonly string[] Hostile =
    [
        "'; drop table iiot.device; --",
        "\" or \"1\"=\"1",
        "$1",
        "$$",
        "$tag$ select $tag$",
        "@p0 :p1 ?",
        "\\",
        "\\'",
        "E'\\x00'",
        "{a,b}",
        "{\"a\":NULL}",
        "NULL",
        "null",
        "%",
        "_",
        "a b",
        " a ",
        "other",
        "iiot.tenant",
        "2",
        "a\u0085b\u2028c",
        "é",
        "e\u0301",
        "\U0001F525",
        "\uFEFFa",
        "A",
        "a",
    ];

    private PostgresStore _store = null!;

    public async ValueTask InitializeAsync() => _store = await PostgresStore.MakeAsync(cluster);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Metrics_of_any_name_are_told_apart_and_read_back_exactly()
    {
        foreach (var tenant in (TenantId[])[Plant, Other])
        {
            // In one frame, and each in a layout of its own.
            await WriteAsync(tenant, Noon, Hostile);
            for (var i = 0; i < Hostile.Length; i++)
                await WriteAsync(tenant, Noon.AddSeconds(1 + i), Hostile[i]);
        }

        for (var i = 0; i < Hostile.Length; i++)
        {
            var query = new TelemetryQuery { Device = Press, Metrics = [Hostile[i]] };
            var points = new List<TelemetryPoint>();
            await foreach (var point in _store.Reader.ReadAsync(Plant, query))
                points.Add(point);
            Assert.Equal([(Hostile[i], i), (Hostile[i], 0)], points.Select(point => (point.Metric, (int)point.Value.AsDouble())));
            Assert.Equal(
                2,
                (
                    await _store.Reader.AggregateAsync(
                        Plant,
                        new TelemetryAggregateQuery
                        {
                            Device = Press,
                            Metric = Hostile[i],
                            From = Noon,
                            To = Noon.AddHours(1),
                            Bucket = TimeSpan.FromHours(1),
                        }
                    )
                )[0].Count
            );
        }

        Assert.Equal(
            Hostile.Order(StringComparer.Ordinal),
            (await _store.Reader.ReadLatestAsync(Plant, Press)).Select(point => point.Metric)
        );
    }

    [Fact]
    public async Task A_tenants_number_is_used_up_once_however_often_it_is_met()
    {
        for (var i = 0; i < 3; i++)
        {
            await _store.Devices.AddAsync(Plant, new Device { Id = Press });
            await _store.DeadLetters.AppendAsync(
                [
                    new DeadLetter
                    {
                        Tenant = Plant,
                        Device = Press,
                        ReceivedAt = Noon,
                        Reason = IngestReason.Malformed,
                        MediaType = "",
                        Payload = default,
                    },
                ],
                CancellationToken.None
            );
            await WriteAsync(Plant, Noon.AddSeconds(i), $"m{i % 2}");
        }

        foreach (
            var (table, numbers) in ((string, long)[])
                [
                    ("tenant_tenant", 1),
                    ("telemetry_device_device", 1),
                    ("telemetry_metric_metric", 2),
                    ("telemetry_layout_layout", 2),
                    ("telemetry_stream_stream", 2),
                ]
        )
            Assert.Equal((table, numbers), (table, await _store.QueryAsync($"select last_value from iiot.{table}_no_seq")));
    }

    [Fact]
    public async Task A_layout_of_many_and_of_the_longest_names_is_kept()
    {
        var names = Enumerable.Range(0, 64).Select(i => $"{i:D3}{new string('ä', (TelemetryLimits.MaxNameBytes - 3) / 2)}").ToArray();
        await WriteAsync(Plant, Noon, names);
        await WriteAsync(Plant, Noon.AddSeconds(1), names);
        Assert.Equal(names, (await _store.Reader.ReadLatestAsync(Plant, Press)).Select(point => point.Metric));
        Assert.Equal(1L, await _store.QueryAsync("select count(*) from iiot.telemetry_layout"));
    }

    [Fact]
    public async Task Texts_of_a_device_and_a_dead_letter_read_back_exactly()
    {
        string[] texts = [.. Hostile, "line\nline\r\n\ttab", "\u0001\u001b[31m", "", new string('\'', 200)];
        for (var i = 0; i < texts.Length; i++)
        {
            var id = DeviceId.Parse($"d{i:D3}");
            Assert.True(await _store.Devices.AddAsync(Plant, new Device { Id = id, DisplayName = texts[i] }));
            Assert.Equal(texts[i], (await _store.Devices.FindAsync(Plant, id))!.DisplayName);
            await _store.DeadLetters.AppendAsync(
                [
                    new DeadLetter
                    {
                        Tenant = Plant,
                        Device = id,
                        ReceivedAt = Noon,
                        Reason = IngestReason.Malformed,
                        MediaType = texts[i],
                        Payload = Encoding.UTF8.GetBytes(texts[i]),
                    },
                ],
                CancellationToken.None
            );
            var letter = (await _store.DeadLetters.ListAsync(Plant, 0, 1000))[^1];
            Assert.Equal((texts[i], texts[i]), (letter.MediaType, Encoding.UTF8.GetString(letter.Payload.Span)));
        }

        Assert.Equal(texts, (await _store.Devices.ListAsync(Plant, null, 1000)).Select(device => device.DisplayName));
        Assert.Empty(await _store.Devices.ListAsync(Other, null, 1000));
    }

    [Fact]
    public async Task Devices_whose_names_look_like_patterns_or_numbers_are_told_apart()
    {
        string[] names = ["a_b", "a.b", "a:b", "a-b", "A_B", "1", "01", "null", "NULL", "--", "..", "::int"];
        foreach (var name in names)
        {
            Assert.True(await _store.Devices.AddAsync(Plant, new Device { Id = DeviceId.Parse(name), DisplayName = name }));
            using var writer = new BatchWriter();
            writer.Add(Plant, DeviceId.Parse(name), Noon, frame => frame.AddText("name"u8, Encoding.UTF8.GetBytes(name)));
            await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
        }

        foreach (var name in names)
        {
            Assert.Equal(name, (await _store.Devices.FindAsync(Plant, DeviceId.Parse(name)))!.DisplayName);
            Assert.Equal(name, Assert.Single(await _store.Reader.ReadLatestAsync(Plant, DeviceId.Parse(name))).Value.AsText());
        }

        Assert.Equal(
            names.Order(StringComparer.Ordinal),
            (await _store.Devices.ListAsync(Plant, null, 100)).Select(device => device.Id.Value)
        );
    }

    // Each value is the name's place.
    private async Task WriteAsync(TenantId tenant, DateTime timestamp, params string[] names)
    {
        using var writer = new BatchWriter();
        writer.Add(
            tenant,
            Press,
            timestamp,
            frame =>
            {
                for (var i = 0; i < names.Length; i++)
                    Assert.Equal(IngestReason.None, frame.AddDouble(Encoding.UTF8.GetBytes(names[i]), i));
            }
        );
        await _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }
}
