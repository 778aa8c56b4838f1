using System.Text;
using Xunit;

namespace Insa.Iiot.Conformance;

/// <summary>What every telemetry store must do. Inherit it in a test project and hand it a fresh, empty store for each test.</summary>
public abstract partial class StoreConformance : IAsyncLifetime
{
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly TenantId Other = TenantId.Parse("other");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    /// <summary>The sink under test.</summary>
    protected abstract ITelemetrySink Sink { get; }

    /// <summary>The reader under test.</summary>
    protected abstract ITelemetryReader Reader { get; }

    /// <summary>The reader of many series under test.</summary>
    protected abstract ITelemetrySeriesReader SeriesReader { get; }

    /// <summary>The registry under test.</summary>
    protected abstract IDeviceRegistry Registry { get; }

    /// <summary>The authenticator under test, made with a <see cref="TrustingVerifier"/>.</summary>
    protected abstract IDeviceAuthenticator Authenticator { get; }

    /// <summary>The pre-shared keys under test, with a key to seal them.</summary>
    protected abstract IDevicePskStore Psks { get; }

    /// <summary>The statistics under test.</summary>
    protected abstract ITelemetryStatistics Statistics { get; }

    /// <summary>The control store that goes with the registry: it holds the bound of a tenant's devices.</summary>
    protected abstract IControlStore Control { get; }

    /// <summary>The dead letters under test, bounded to <see cref="MaxDeadLetters"/> a tenant.</summary>
    protected abstract IDeadLetterStore DeadLetters { get; }

    /// <summary>The bound that the store was made with; at least 10.</summary>
    protected abstract int MaxDeadLetters { get; }

    /// <summary>Makes the empty store.</summary>
    public abstract ValueTask InitializeAsync();

    /// <summary>Lets the store do now what it otherwise does in the background: summaries, notes of what is newest.</summary>
    protected virtual Task SettleAsync() => Task.CompletedTask;

    /// <summary>Gives the store up.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    /// <summary>Values of every kind come back as they were written, with their quality.</summary>
    [Fact]
    public async Task Every_kind_of_value_reads_back_with_its_quality()
    {
        using var writer = new BatchWriter();
        writer.Add(
            Plant,
            Press,
            Noon,
            frame =>
            {
                frame.AddDouble("d"u8, -1.25, TelemetryQuality.Uncertain);
                frame.AddLong("l"u8, long.MinValue);
                frame.AddBool("b"u8, value: true, TelemetryQuality.Bad | TelemetryQuality.Substituted);
                frame.AddText("t"u8, "grün"u8);
                frame.AddJson("j"u8, "[1,2]"u8);
            }
        );
        await WriteAsync(writer);

        Assert.Equal(
            [
                new("b", Noon, TelemetryValue.Of(true), TelemetryQuality.Bad | TelemetryQuality.Substituted),
                new("d", Noon, TelemetryValue.Of(-1.25), TelemetryQuality.Uncertain),
                new("j", Noon, TelemetryValue.OfJson("[1,2]"), TelemetryQuality.Good),
                new("l", Noon, TelemetryValue.Of(long.MinValue), TelemetryQuality.Good),
                new("t", Noon, TelemetryValue.OfText("grün"), TelemetryQuality.Good),
            ],
            await ReadAsync(new TelemetryQuery { Device = Press })
        );
    }

    /// <summary>What was written is visible once the write has returned.</summary>
    [Fact]
    public async Task A_write_is_visible_when_it_returns()
    {
        for (var i = 0; i < 20; i++)
        {
            await WriteAsync(Plant, Press, Noon.AddSeconds(i), "n", i);
            Assert.Equal(i + 1, (await ReadAsync(new TelemetryQuery { Device = Press })).Count);
        }
    }

    /// <summary>A redelivered batch makes no second row.</summary>
    [Fact]
    public async Task A_batch_that_comes_again_changes_nothing()
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            using var writer = new BatchWriter();
            for (var i = 0; i < 100; i++)
                writer.Add(Plant, Press, Noon.AddMilliseconds(i), frame => frame.AddDouble("n"u8, 7));
            await WriteAsync(writer);
        }

        Assert.Equal(100, (await ReadAsync(new TelemetryQuery { Device = Press })).Count);
    }

    /// <summary>There is one value per device, metric and timestamp, and it is the one written last.</summary>
    [Fact]
    public async Task The_value_written_last_is_the_one_that_is_read()
    {
        await WriteAsync(Plant, Press, Noon, "n", 1);
        await WriteAsync(Plant, Press, Noon, "n", 2);
        using var wider = new BatchWriter();
        wider.Add(
            Plant,
            Press,
            Noon,
            frame =>
            {
                frame.AddDouble("m"u8, 10);
                frame.AddDouble("n"u8, 3);
            }
        );
        await WriteAsync(wider);
        Assert.Equal([("m", 10), ("n", 3)], Plain(await ReadAsync(new TelemetryQuery { Device = Press })));
        Assert.Equal([("m", 10), ("n", 3)], Plain(await Reader.ReadLatestAsync(Plant, Press)));

        await WriteAsync(Plant, Press, Noon, "n", 4);
        Assert.Equal([("m", 10), ("n", 4)], Plain(await ReadAsync(new TelemetryQuery { Device = Press })));
        Assert.Equal([("m", 10), ("n", 4)], Plain(await Reader.ReadLatestAsync(Plant, Press)));
    }

    /// <summary>Points come by time, whatever order they were written in.</summary>
    [Fact]
    public async Task Points_come_in_the_order_of_time()
    {
        foreach (var minute in (int[])[90, 3, 61, 1440, 2, 60, 59])
            await WriteAsync(Plant, Press, Noon.AddMinutes(minute), "n", minute);
        Assert.Equal([2, 3, 59, 60, 61, 90, 1440], Values(await ReadAsync(new TelemetryQuery { Device = Press })));
    }

    /// <summary>A range holds its first instant and not its last; times are kept to the microsecond.</summary>
    [Fact]
    public async Task A_range_holds_its_start_and_not_its_end()
    {
        for (var i = 0; i < 5; i++)
            await WriteAsync(Plant, Press, Noon.AddMicroseconds(i), "n", i);
        var points = await ReadAsync(
            new TelemetryQuery
            {
                Device = Press,
                From = Noon.AddMicroseconds(1),
                To = Noon.AddMicroseconds(4),
            }
        );
        Assert.Equal([1, 2, 3], Values(points));
        Assert.Equal(Noon.AddMicroseconds(1), points[0].Timestamp);
        Assert.Equal(DateTimeKind.Utc, points[0].Timestamp.Kind);
    }

    /// <summary>Metrics can be chosen.</summary>
    [Fact]
    public async Task Only_the_wanted_metrics_are_read()
    {
        using var writer = new BatchWriter();
        writer.Add(
            Plant,
            Press,
            Noon,
            frame =>
            {
                frame.AddDouble("a"u8, 1);
                frame.AddDouble("b"u8, 2);
                frame.AddDouble("c"u8, 3);
            }
        );
        await WriteAsync(writer);
        Assert.Equal([("a", 1), ("c", 3)], Plain(await ReadAsync(new TelemetryQuery { Device = Press, Metrics = ["c", "a", "x"] })));
    }

    /// <summary>Pages join without a gap or a repeat, also in the middle of an instant.</summary>
    [Fact]
    public async Task Pages_join_without_a_gap_or_a_repeat()
    {
        using var writer = new BatchWriter();
        for (var i = 0; i < 50; i++)
        {
            writer.Add(
                Plant,
                Press,
                Noon.AddMinutes(i * 7),
                frame =>
                {
                    frame.AddDouble("a"u8, 1);
                    frame.AddDouble("b"u8, 2);
                    frame.AddDouble("c"u8, 3);
                }
            );
        }

        await WriteAsync(writer);
        var all = await ReadAsync(new TelemetryQuery { Device = Press });
        Assert.Equal(150, all.Count);

        var paged = new List<TelemetryPoint>();
        TelemetryCursor? after = null;
        while (true)
        {
            var page = await ReadAsync(
                new TelemetryQuery
                {
                    Device = Press,
                    Limit = 7,
                    After = after,
                }
            );
            if (page.Count == 0)
                break;
            paged.AddRange(page);
            after = new TelemetryCursor(page[^1].Timestamp, page[^1].Metric);
        }

        Assert.Equal(all, paged);
    }

    /// <summary>The latest point of each metric is found by time, not by arrival.</summary>
    [Fact]
    public async Task Latest_is_the_newest_of_each_metric()
    {
        await WriteAsync(Plant, Press, Noon.AddHours(5), "a", 5);
        await WriteAsync(Plant, Press, Noon, "a", 1);
        await WriteAsync(Plant, Press, Noon.AddHours(-3), "b", 2);
        Assert.Equal([("a", 5), ("b", 2)], Plain(await Reader.ReadLatestAsync(Plant, Press)));
        Assert.Empty(await Reader.ReadLatestAsync(Plant, DeviceId.Parse("nobody")));
    }

    /// <summary>Buckets count numbers and booleans that are not bad.</summary>
    [Fact]
    public async Task Buckets_hold_what_counts()
    {
        using var writer = new BatchWriter();
        void Add(int second, double value, TelemetryQuality quality = TelemetryQuality.Good) =>
            writer.Add(Plant, Press, Noon.AddSeconds(second), frame => frame.AddDouble("n"u8, value, quality));
        Add(0, 1);
        Add(59, -3);
        Add(60, 10);
        Add(61, 1000, TelemetryQuality.Bad);
        Add(62, 20, TelemetryQuality.Uncertain);
        writer.Add(Plant, Press, Noon.AddSeconds(63), frame => frame.AddText("n"u8, "text"u8));
        writer.Add(Plant, Press, Noon.AddSeconds(300), frame => frame.AddBool("n"u8, value: true));
        writer.Add(Plant, Press, Noon.AddSeconds(301), frame => frame.AddLong("n"u8, 5));
        await WriteAsync(writer);

        var buckets = await Reader.AggregateAsync(
            Plant,
            new TelemetryAggregateQuery
            {
                Device = Press,
                Metric = "n",
                From = Noon,
                To = Noon.AddHours(1),
                Bucket = TimeSpan.FromMinutes(1),
            }
        );
        Assert.Equal([new(Noon, 2, -3, 1, -2), new(Noon.AddMinutes(1), 2, 10, 20, 30), new(Noon.AddMinutes(5), 2, 1, 5, 6)], buckets);
        Assert.Equal(-1, buckets[0].Average);
    }

    /// <summary>Buckets of many series come series by series, and say what lies before them.</summary>
    [Fact]
    public async Task Buckets_of_many_series_come_in_their_order()
    {
        var pump = DeviceId.Parse("pump");
        using var writer = new BatchWriter();
        void Add(DeviceId device, string metric, int second, double value, TelemetryQuality quality = TelemetryQuality.Good) =>
            writer.Add(Plant, device, Noon.AddSeconds(second), frame => frame.AddDouble(Encoding.UTF8.GetBytes(metric), value, quality));
        Add(Press, "a", -1, 50);
        Add(Press, "a", 30, 3);
        Add(Press, "a", 10, 4);
        Add(Press, "a", 60, 5);
        Add(Press, "a", 181, 6);
        Add(Press, "a", 130, 1, TelemetryQuality.Bad);
        Add(Press, "b", 61, 7);
        Add(pump, "a", 0, 8, TelemetryQuality.Uncertain);
        Add(pump, "a", 3600, 9);
        writer.Add(Other, pump, Noon, frame => frame.AddDouble("a"u8, 1000));
        writer.Add(Plant, pump, Noon.AddSeconds(1), frame => frame.AddText("a"u8, "text"u8));
        await WriteAsync(writer);

        Assert.Equal(
            [
                new(0, new(Noon, 1, 8, 8, 8), false, 8, 8, 64),
                new(2, new(Noon.AddMinutes(1), 1, 7, 7, 7), true, 7, 7, 49),
                new(3, new(Noon, 2, 3, 4, 7), false, 4, 3, 25),
                new(3, new(Noon.AddMinutes(1), 1, 5, 5, 5), false, 5, 5, 25),
                new(3, new(Noon.AddMinutes(3), 1, 6, 6, 6), true, 6, 6, 36),
                new(4, new(Noon, 1, 8, 8, 8), false, 8, 8, 64),
            ],
            await ReadBucketsAsync(
                new TelemetrySeriesQuery
                {
                    Series =
                    [
                        new(pump, "a"),
                        new(pump, "b"),
                        new(Press, "b"),
                        new(Press, "a"),
                        new(pump, "a"),
                        new(DeviceId.Parse("x"), "a"),
                    ],
                    From = Noon,
                    To = Noon.AddHours(1),
                    Bucket = TimeSpan.FromMinutes(1),
                }
            )
        );
        Assert.Empty(
            await ReadBucketsAsync(
                new TelemetrySeriesQuery
                {
                    Series = [],
                    From = Noon,
                    To = Noon.AddHours(1),
                    Bucket = TimeSpan.FromMinutes(1),
                }
            )
        );
    }

    /// <summary>A bucket that the range cuts holds what lies in the range, and is the range's first.</summary>
    [Fact]
    public async Task Ranges_may_cut_buckets_and_have_any_width()
    {
        using var writer = new BatchWriter();
        for (var i = 0; i < 1000; i++)
            writer.Add(Plant, Press, Noon.AddSeconds(i * 7), frame => frame.AddDouble("a"u8, i));
        await WriteAsync(writer);
        foreach (var width in (double[])[0.001, 90.5, 60, 3600, 5400, 86400])
        {
            var buckets = await ReadBucketsAsync(
                new TelemetrySeriesQuery
                {
                    Series = [new(Press, "a")],
                    From = Noon.AddSeconds(100.5),
                    To = Noon.AddSeconds(6000),
                    Bucket = TimeSpan.FromSeconds(width),
                }
            );
            Assert.Equal(Enumerable.Range(15, 843).Sum(), buckets.Sum(bucket => bucket.Bucket.Sum));
            Assert.Equal((15, 857), (buckets[0].First, buckets[^1].Last));
            Assert.All(
                buckets,
                bucket => Assert.Equal(0, (bucket.Bucket.Start - DateTime.UnixEpoch).Ticks % TimeSpan.FromSeconds(width).Ticks)
            );
            Assert.All(buckets.Skip(1), bucket => Assert.Equal(width < 1, bucket.FollowsGap));
        }
    }

    /// <summary>The latest points of many devices come device by device, each metric once.</summary>
    [Fact]
    public async Task Latest_of_many_devices_come_in_their_order()
    {
        var (pump, nobody) = (DeviceId.Parse("pump"), DeviceId.Parse("nobody"));
        await WriteAsync(Plant, pump, Noon.AddHours(-100), "c", 1);
        await WriteAsync(Plant, Press, Noon, "b", 2);
        await WriteAsync(Plant, Press, Noon.AddHours(-1), "b", 3);
        await WriteAsync(Plant, Press, Noon.AddHours(-30), "a", 4);
        await WriteAsync(Other, pump, Noon, "c", 5);

        var found = new List<(string, string, double)>();
        await foreach (var (device, point) in SeriesReader.ReadLatestAsync(Plant, [pump, nobody, Press, pump]))
            found.Add((device.Value, point.Metric, point.Value.AsDouble()));
        Assert.Equal([("pump", "c", 1), ("press", "a", 4), ("press", "b", 2), ("pump", "c", 1)], found);
        await foreach (var point in SeriesReader.ReadLatestAsync(TenantId.Parse("third"), [pump]))
            Assert.Fail($"{point} of nobody");
        await foreach (var point in SeriesReader.ReadLatestAsync(Plant, []))
            Assert.Fail($"{point} of nobody");
    }

    /// <summary>One batch may hold many tenants, and none sees another's.</summary>
    [Fact]
    public async Task A_tenant_sees_nothing_of_another()
    {
        using var writer = new BatchWriter();
        writer.Add(Plant, Press, Noon, frame => frame.AddDouble("mine"u8, 1));
        writer.Add(Other, Press, Noon, frame => frame.AddDouble("theirs"u8, 2));
        await WriteAsync(writer);
        Assert.Equal([("mine", 1)], Plain(await ReadAsync(new TelemetryQuery { Device = Press })));
        Assert.Equal([("mine", 1)], Plain(await Reader.ReadLatestAsync(Plant, Press)));
        Assert.Equal([("theirs", 2)], Plain(await Reader.ReadLatestAsync(Other, Press)));
        Assert.Empty(
            await Reader.AggregateAsync(
                Plant,
                new TelemetryAggregateQuery
                {
                    Device = Press,
                    Metric = "theirs",
                    From = Noon,
                    To = Noon.AddDays(1),
                    Bucket = TimeSpan.FromDays(1),
                }
            )
        );
        Assert.Empty(await Reader.ReadLatestAsync(TenantId.Parse("third"), Press));
    }

    /// <summary>Each of many reads at once gets what it asked for: who shares connections must not take another's rows.</summary>
    [Fact]
    public async Task Reads_at_once_get_their_own()
    {
        const int Readers = 8;
        const int Rounds = 40;
        var devices = Enumerable.Range(0, Readers).Select(i => DeviceId.Parse($"press-{i}")).ToArray();
        using var writer = new BatchWriter();
        for (var i = 0; i < Readers; i++)
        {
            var value = i;
            for (var second = 0; second < 50; second++)
                writer.Add(i % 2 == 0 ? Plant : Other, devices[i], Noon.AddSeconds(second), frame => frame.AddDouble("n"u8, value));
        }

        await WriteAsync(writer);

        await Task.WhenAll(
            devices.Select(
                (device, i) =>
                    Task.Run(async () =>
                    {
                        var tenant = i % 2 == 0 ? Plant : Other;
                        for (var round = 0; round < Rounds; round++)
                        {
                            var latest = Assert.Single(await Reader.ReadLatestAsync(tenant, device));
                            Assert.Equal((Noon.AddSeconds(49), TelemetryValue.Of((double)i)), (latest.Timestamp, latest.Value));
                            var points = await ReadAsync(tenant, new TelemetryQuery { Device = device });
                            Assert.Equal(50, points.Count);
                            Assert.All(points, point => Assert.Equal(TelemetryValue.Of((double)i), point.Value));
                        }
                    })
            )
        );
    }

    /// <summary>Without a tenant there is no answer.</summary>
    [Fact]
    public async Task Work_without_a_tenant_throws()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Reader.ReadLatestAsync(default, Press));
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var _ in SeriesReader.ReadLatestAsync(default, [Press]))
                Assert.Fail("Somebody's point.");
        });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Registry.FindAsync(default, Press));
    }

    /// <summary>A secret lets its own device in, and nothing else does.</summary>
    [Fact]
    public async Task Only_the_right_secret_of_a_registered_device_lets_it_in()
    {
        Assert.True(await Registry.AddAsync(Plant, new Device { Id = Press }));
        Assert.False(await Registry.AddAsync(Plant, new Device { Id = Press }));
        Assert.Null(await LoginAsync("press@plant", ""));
        var secret = await Registry.RotateSecretAsync(Plant, Press);
        Assert.NotNull(secret);

        var session = await LoginAsync("press@plant", secret);
        Assert.Equal((Plant, Press), (session!.Tenant, session.Device));
        Assert.Null(await LoginAsync("press@plant", secret + "x"));
        Assert.Null(await LoginAsync("press@other", secret));
        Assert.Null(await LoginAsync("pump@plant", secret));
        Assert.Null(await LoginAsync("press", secret));

        var renewed = await Registry.RotateSecretAsync(Plant, Press);
        Assert.Null(await LoginAsync("press@plant", secret));
        Assert.NotNull(await LoginAsync("press@plant", renewed!));
        Assert.True(await Registry.RemoveAsync(Plant, Press));
        Assert.False(await Registry.RemoveAsync(Plant, Press));
        Assert.Null(await LoginAsync("press@plant", renewed!));
        Assert.Null(await Registry.RotateSecretAsync(Plant, Press));
    }

    /// <summary>A certificate stands for one device.</summary>
    [Fact]
    public async Task A_certificate_lets_in_the_device_it_stands_for()
    {
        var (mine, unknown) = (new byte[32], new byte[32]);
        mine[0] = 1;
        await Registry.AddAsync(Plant, new Device { Id = Press });
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump") });
        await Registry.AddAsync(Other, new Device { Id = Press });
        Assert.True(await Registry.AddCertificateAsync(Plant, Press, mine));
        Assert.True(await Registry.AddCertificateAsync(Plant, Press, mine));
        Assert.False(await Registry.AddCertificateAsync(Plant, DeviceId.Parse("pump"), mine));
        Assert.False(await Registry.AddCertificateAsync(Plant, DeviceId.Parse("nobody"), unknown));
        Assert.Equal(Plant, (await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(mine)))!.Tenant);
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(mine, "press@other")));
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(unknown)));
    }

    /// <summary>A tenant cannot claim another's certificate by its hash: where several have registered it, the user name says whose it is.</summary>
    [Fact]
    public async Task A_certificate_of_several_tenants_lets_nobody_in_without_a_user_name()
    {
        var shared = new byte[32];
        shared[0] = 1;
        var (mine, theirs) = (
            DeviceCredential.FromCertificate(shared, "press@plant"),
            DeviceCredential.FromCertificate(shared, "press@other")
        );
        await Registry.AddAsync(Plant, new Device { Id = Press });
        await Registry.AddAsync(Other, new Device { Id = Press });
        Assert.True(await Registry.AddCertificateAsync(Other, Press, shared));
        Assert.Null(await Authenticator.AuthenticateAsync(mine));
        Assert.True(await Registry.AddCertificateAsync(Plant, Press, shared));

        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(shared)));
        Assert.Equal(Plant, (await Authenticator.AuthenticateAsync(mine))!.Tenant);
        Assert.Equal(Other, (await Authenticator.AuthenticateAsync(theirs))!.Tenant);
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(shared, "pump@plant")));
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(shared, "press")));

        // One that is disabled is still registered: its device does not become another tenant's.
        var seen = (await Registry.FindAsync(Plant, Press))!;
        await Registry.UpdateAsync(Plant, new Device { Id = Press, State = DeviceState.Disabled }, seen.Version);
        Assert.Null(await Authenticator.AuthenticateAsync(mine));
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(shared)));
        Assert.True(await Registry.RevokeCredentialAsync(Other, Press, Convert.ToHexStringLower(shared)));
        await Registry.UpdateAsync(Plant, new Device { Id = Press }, seen.Version + 1);
        Assert.Equal(Plant, (await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(shared)))!.Tenant);
    }

    /// <summary>A gateway speaks for the devices that name it, in its own tenant.</summary>
    [Fact]
    public async Task A_gateway_may_publish_for_its_devices_only()
    {
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("gate") });
        await Registry.AddAsync(
            Plant,
            new Device
            {
                Id = Press,
                Gateway = DeviceId.Parse("gate"),
                DisplayName = "Press 1",
            }
        );
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("pump") });
        await Registry.AddAsync(Other, new Device { Id = DeviceId.Parse("gate") });
        await Registry.AddAsync(Other, new Device { Id = DeviceId.Parse("theirs"), Gateway = DeviceId.Parse("gate") });
        var session = await LoginAsync("gate@plant", (await Registry.RotateSecretAsync(Plant, DeviceId.Parse("gate")))!);
        Assert.True(session!.TryResolve("press"u8, out _));
        Assert.False(session.TryResolve("pump"u8, out _));
        Assert.False(session.TryResolve("theirs"u8, out _));

        Assert.Equal(["gate", "press", "pump"], (await Registry.ListAsync(Plant, null, 10)).Select(device => device.Id.Value));
        Assert.Equal(["press"], (await Registry.ListAsync(Plant, DeviceId.Parse("gate"), 1)).Select(device => device.Id.Value));
        Assert.Equal("Press 1", (await Registry.FindAsync(Plant, Press))!.DisplayName);
        Assert.Null(await Registry.FindAsync(Other, Press));

        // Who gets a removed gateway's id later does not inherit its devices.
        await Registry.RemoveAsync(Plant, DeviceId.Parse("gate"));
        await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse("gate") });
        session = await LoginAsync("gate@plant", (await Registry.RotateSecretAsync(Plant, DeviceId.Parse("gate")))!);
        Assert.False(session!.TryResolve("press"u8, out _));
    }

    /// <summary>Dead letters are kept per tenant, the newest of them.</summary>
    [Fact]
    public async Task Dead_letters_are_kept_per_tenant_and_the_oldest_go_first()
    {
        DeadLetter Make(TenantId tenant, int number) =>
            new()
            {
                Tenant = tenant,
                Device = Press,
                ReceivedAt = Noon,
                Reason = IngestReason.Malformed,
                MediaType = "application/json",
                Payload = new byte[] { (byte)number, 0xFF, 0 },
            };
        await DeadLetters.AppendAsync([Make(Other, 1)], CancellationToken.None);
        await DeadLetters.AppendAsync([.. Enumerable.Range(1, MaxDeadLetters + 3).Select(i => Make(Plant, i))], CancellationToken.None);

        var kept = await DeadLetters.ListAsync(Plant, 0, MaxDeadLetters + 10);
        Assert.Equal(MaxDeadLetters, kept.Count);
        Assert.Equal(4, kept[0].Payload.Span[0]);
        Assert.Equal(
            (Press, Noon, IngestReason.Malformed, "application/json"),
            (kept[0].Device, kept[0].ReceivedAt, kept[0].Reason, kept[0].MediaType)
        );
        Assert.Equal(kept[2].Id, (await DeadLetters.ListAsync(Plant, kept[1].Id, 1))[0].Id);
        Assert.Single(await DeadLetters.ListAsync(Other, 0, 10));
    }

    /// <summary>Writes one value.</summary>
    protected async Task WriteAsync(TenantId tenant, DeviceId device, DateTime timestamp, string metric, double value)
    {
        using var writer = new BatchWriter();
        writer.Add(tenant, device, timestamp, frame => frame.AddDouble(Encoding.UTF8.GetBytes(metric), value));
        await WriteAsync(writer);
    }

    /// <summary>Writes what was gathered, and checks that the sink refused none of it.</summary>
    protected async Task WriteAsync(BatchWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        await Sink.WriteAsync(writer.Batch, CancellationToken.None);
        Assert.DoesNotContain(writer.Batch.Chunks, chunk => chunk.HasRejections);
    }

    /// <summary>A tenant has no more devices than its bound, whoever asks at once; what is removed makes room.</summary>
    [Fact]
    public async Task A_tenant_has_no_more_devices_than_its_bound()
    {
        await Control.CommitAsync([ControlChange.Bound(Plant, IDeviceRegistry.Counter, least: null, most: 5)]);
        var added = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() => TryAddDeviceAsync(i))));
        Assert.Equal(5, added.Count(isAdded => isAdded));
        Assert.Equal(5, (await Registry.ListAsync(Plant, null, 100)).Count);
        Assert.Equal([new ControlCounter(IDeviceRegistry.Counter, 5, 5)], await Control.ReadCountersAsync(Plant));

        // One that is there already takes no place, and is no question of the bound.
        Assert.False(await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse($"d{Array.IndexOf(added, true)}") }));
        Assert.True(await Registry.AddAsync(Other, new Device { Id = DeviceId.Parse("d0") }));

        Assert.True(await Registry.RemoveAsync(Plant, DeviceId.Parse($"d{Array.IndexOf(added, true)}")));
        Assert.False(await Registry.RemoveAsync(Plant, DeviceId.Parse("nobody")));
        Assert.True(await TryAddDeviceAsync(100));
        Assert.False(await TryAddDeviceAsync(101));
    }

    private async Task<bool> TryAddDeviceAsync(int number)
    {
        try
        {
            return await Registry.AddAsync(Plant, new Device { Id = DeviceId.Parse($"d{number}") });
        }
        catch (LimitReachedException e) when (e.Counter == IDeviceRegistry.Counter)
        {
            return false;
        }
    }

    private Task<List<TelemetryPoint>> ReadAsync(TelemetryQuery query) => ReadAsync(Plant, query);

    private async Task<List<TelemetryPoint>> ReadAsync(TenantId tenant, TelemetryQuery query)
    {
        var points = new List<TelemetryPoint>();
        await foreach (var point in Reader.ReadAsync(tenant, query))
            points.Add(point);
        return points;
    }

    private async Task<List<TelemetrySeriesBucket>> ReadBucketsAsync(TelemetrySeriesQuery query)
    {
        var buckets = new List<TelemetrySeriesBucket>();
        await foreach (var bucket in SeriesReader.AggregateAsync(Plant, query))
            buckets.Add(bucket);
        return buckets;
    }

    private ValueTask<DeviceSession?> LoginAsync(string userName, string password) =>
        Authenticator.AuthenticateAsync(DeviceCredential.FromPassword(userName, Encoding.UTF8.GetBytes(password)));

    private static IEnumerable<double> Values(IEnumerable<TelemetryPoint> points) => points.Select(point => point.Value.AsDouble());

    private static IEnumerable<(string, double)> Plain(IEnumerable<TelemetryPoint> points) =>
        points.Select(point => (point.Metric, point.Value.AsDouble()));
}
