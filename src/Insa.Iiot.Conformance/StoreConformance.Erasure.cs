using Xunit;

namespace Insa.Iiot.Conformance;

/// <content>Erasure of tenants.</content>
public abstract partial class StoreConformance
{
    private const string RecordKind = "note";
    private static readonly RetentionPolicy EverPolicy = new(RetentionPolicy.AllMetrics, RetentionTier.Raw, TimeSpan.FromDays(36_500));

    /// <summary>The eraser under test.</summary>
    protected abstract ITenantEraser Eraser { get; }

    /// <summary>What is erased is gone from every table, and what others have is as it was.</summary>
    [Fact]
    public async Task An_erased_tenant_leaves_nothing_and_takes_nothing_of_others()
    {
        await FillAsync(Plant);
        await FillAsync(Other);
        await SettleAsync();
        var others = await Eraser.CountAsync(Other);

        var heard = new List<TenantRows>();
        var erasure = await Eraser.EraseAsync(Plant, new Heard(heard.Add));
        Assert.False(erasure.IsHeld);
        Assert.NotEmpty(erasure.Deleted);
        Assert.Equal(
            erasure.Deleted,
            heard
                .GroupBy(rows => rows.Table, StringComparer.Ordinal)
                .Select(table => new TenantRows(table.Key, table.Sum(rows => rows.Rows)))
                .OrderBy(rows => rows.Table, StringComparer.Ordinal)
        );
        await AssertNothingIsLeftAsync(Plant);
        await AssertEmptyAsync(Plant);

        Assert.Equal(others, await Eraser.CountAsync(Other));
        Assert.Equal(50, (await ReadAsync(Other, new TelemetryQuery { Device = Press })).Count);
        Assert.Single(await Registry.ListAsync(Other, null, 10));
        Assert.Single(await DeadLetters.ListAsync(Other, 0, 10));
        Assert.NotNull(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(CertificateOf(Other))));
        Assert.NotNull(await Control.FindAsync(ControlScope.Of(Other), RecordKind, "1"));
        Assert.Equal([EverPolicy], Retention is { } policies ? await policies.ListAsync(Other) : [EverPolicy]);
    }

    /// <summary>An erasure that was stopped is hidden already, and another call ends it.</summary>
    [Fact]
    public async Task An_erasure_can_be_stopped_and_continued()
    {
        await FillAsync(Plant);
        await SettleAsync();
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eraser.EraseAsync(Plant, new Heard(_ => stop.Cancel()), stop.Token));
        Assert.Contains(await Eraser.CountAsync(Plant), rows => rows.Rows > 0);
        await AssertEmptyAsync(Plant);

        Assert.NotEmpty((await Eraser.EraseAsync(Plant)).Deleted);
        await AssertNothingIsLeftAsync(Plant);
        Assert.Empty((await Eraser.EraseAsync(Plant)).Deleted);
    }

    /// <summary>Much is erased in steps, between which others get their turn.</summary>
    [Fact]
    public async Task Much_is_erased_in_steps()
    {
        for (var part = 0; part < 12; part++)
        {
            using var writer = new BatchWriter();
            for (var i = 0; i < 1000; i++)
            {
                var at = Noon.AddSeconds((part * 1000) + i);
                foreach (var tenant in (TenantId[])[Plant, Other])
                    writer.Add(tenant, Press, at, frame => frame.AddDouble("n"u8, 7));
            }

            await WriteAsync(writer);
        }

        var heard = new List<TenantRows>();
        await Eraser.EraseAsync(Plant, new Heard(heard.Add));
        Assert.InRange(heard.Max(rows => rows.Rows), 1, 5000);
        Assert.Contains(heard.GroupBy(rows => rows.Table, StringComparer.Ordinal), table => table.Sum(rows => rows.Rows) == 12_000);
        await AssertNothingIsLeftAsync(Plant);
        Assert.Equal(12_000, (await ReadAsync(Other, new TelemetryQuery { Device = Press, Limit = 20_000 })).Count);
    }

    /// <summary>What comes while a tenant is erased is of a new tenant, counted, and erased by another call.</summary>
    [Fact]
    public async Task What_comes_meanwhile_is_kept_apart_and_told_of()
    {
        await FillAsync(Plant);
        await SettleAsync();
        var isWritten = false;
        var progress = new Heard(_ =>
        {
            if (isWritten)
                return;
            isWritten = true;
            Task.Run(() => WriteAsync(Plant, Press, Noon.AddDays(1), "n", 7)).GetAwaiter().GetResult();
        });
        await Eraser.EraseAsync(Plant, progress);
        Assert.Contains(await Eraser.CountAsync(Plant), rows => rows.Rows > 0);
        Assert.Equal([("n", 7)], Plain(await ReadAsync(new TelemetryQuery { Device = Press })));

        await Eraser.EraseAsync(Plant);
        await AssertNothingIsLeftAsync(Plant);
        await AssertEmptyAsync(Plant);
    }

    /// <summary>Whoever gets the id of an erased tenant begins with nothing, also where the store had remembered something of the former.</summary>
    [Fact]
    public async Task A_new_tenant_of_the_same_id_begins_with_nothing()
    {
        await FillAsync(Other);
        for (var round = 0; round < 2; round++)
        {
            await FillAsync(Plant);
            await SettleAsync();
            Assert.Equal(50, (await ReadAsync(new TelemetryQuery { Device = Press })).Count);
            await Eraser.EraseAsync(Plant);
        }

        await WriteAsync(Plant, Press, Noon.AddHours(3), "n", 1);
        await SettleAsync();
        Assert.Equal([("n", 1)], Plain(await ReadAsync(new TelemetryQuery { Device = Press })));
        Assert.Equal([("n", 1)], Plain(await Reader.ReadLatestAsync(Plant, Press)));
        Assert.Empty(await Registry.ListAsync(Plant, null, 10));
        Assert.Empty(await Control.ReadCountersAsync(Plant));
        Assert.Equal(50, (await ReadAsync(Other, new TelemetryQuery { Device = Press })).Count);
    }

    /// <summary>The credentials of an erased tenant hold no longer, and its certificates may stand for others.</summary>
    [Fact]
    public async Task Credentials_end_with_their_tenant()
    {
        var password = await FillAsync(Plant);
        var psk = (await Psks.SetPskAsync(Plant, Press))!;
        Assert.NotNull(await LoginAsync("press@plant", password));
        await Eraser.EraseAsync(Plant);

        Assert.Null(await LoginAsync("press@plant", password));
        Assert.Null(await Psks.FindPskAsync("press@plant"));
        Assert.NotNull(psk);
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(CertificateOf(Plant))));
        await Registry.AddAsync(Other, new Device { Id = Press });
        Assert.True(await Registry.AddCertificateAsync(Other, Press, CertificateOf(Plant)));
    }

    /// <summary>Of a tenant that does not exist there is nothing to erase.</summary>
    [Fact]
    public async Task A_tenant_that_does_not_exist_is_erased_already()
    {
        Assert.Equal((false, 0), (await Eraser.EraseAsync(Plant)) is var none ? (none.IsHeld, none.Deleted.Count) : default);
        await AssertNothingIsLeftAsync(Plant);
    }

    // Something in every table that the contracts reach.
    private async Task<string> FillAsync(TenantId tenant)
    {
        await Registry.AddAsync(tenant, new Device { Id = Press });
        var password = (await Registry.RotateSecretAsync(tenant, Press))!;
        await Registry.AddCertificateAsync(tenant, Press, CertificateOf(tenant));
        await DeadLetters.AppendAsync(
            [
                new DeadLetter
                {
                    Tenant = tenant,
                    Device = Press,
                    ReceivedAt = Noon,
                    Reason = IngestReason.Malformed,
                    MediaType = "text/plain",
                    Payload = new byte[] { 1 },
                },
            ],
            CancellationToken.None
        );
        await Control.CommitAsync([
            ControlChange.Insert(ControlScope.Of(tenant), RecordKind, "1", "{}"u8.ToArray(), "key"),
            ControlChange.Count(tenant, "notes", 1),
        ]);
        if (Retention is { } policies)
            Assert.True(await policies.SetAsync(tenant, EverPolicy, seen: null));
        using var writer = new BatchWriter();
        for (var i = 0; i < 50; i++)
        {
            var value = i;
            writer.Add(tenant, Press, Noon.AddMinutes(i), frame => frame.AddDouble("n"u8, value));
        }

        await WriteAsync(writer);
        return password;
    }

    private async Task AssertNothingIsLeftAsync(TenantId tenant) =>
        Assert.DoesNotContain(await Eraser.CountAsync(tenant), rows => rows.Rows != 0);

    private async Task AssertEmptyAsync(TenantId tenant)
    {
        Assert.Empty(await ReadAsync(tenant, new TelemetryQuery { Device = Press }));
        Assert.Empty(await Reader.ReadLatestAsync(tenant, Press));
        Assert.Empty(await Registry.ListAsync(tenant, null, 10));
        Assert.Empty(await DeadLetters.ListAsync(tenant, 0, 10));
        Assert.Null(await Control.FindAsync(ControlScope.Of(tenant), RecordKind, "1"));
        Assert.Null(await Control.FindByKeyAsync(ControlScope.Of(tenant), RecordKind, "key"));
        Assert.Null(await Authenticator.AuthenticateAsync(DeviceCredential.FromCertificate(CertificateOf(tenant))));
        Assert.Empty(Retention is { } policies ? await policies.ListAsync(tenant) : []);
    }

    private static byte[] CertificateOf(TenantId tenant)
    {
        var hash = new byte[32];
        hash[0] = (byte)tenant.Value[0];
        return hash;
    }

    private sealed class Heard(Action<TenantRows> handler) : IProgress<TenantRows>
    {
        public void Report(TenantRows value) => handler(value);
    }
}
