using Insa.Iiot.Tenancy.Access;
using Insa.Iiot.Tenancy.Offboarding;
using Insa.Iiot.Tenancy.Records;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Tenancy.Tests.Offboarding;

public sealed class TenantRemovalTests : IAsyncLifetime
{
    private static readonly TenantId Plant = TenancyWorld.Plant;
    private static readonly TenantId Line = TenantId.Parse("line");
    private static readonly TimeSpan Delay = TimeSpan.FromDays(30);

    private TenancyWorld _world = null!;

    private FaultyEraser Eraser => EraserOf(_world);

    private AuditLog Audit => _world.Services.GetRequiredService<AuditLog>();

    public async ValueTask InitializeAsync()
    {
        _world = await TenancyWorld.MakeAsync(WithFaults);
        var devices = _world.Services.GetRequiredService<IDeviceRegistry>();
        await devices.AddAsync(Plant, new Device { Id = DeviceId.Parse("press") });
        await Audit.AppendAsync(ControlScope.Of(Plant), new AuditEvent { Actor = _world.Ann.Id, Action = "device.create" });
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task Leaving_revokes_keys_and_invitations_at_once()
    {
        var (key, text) = await _world.ApiKeys.CreateAsync(Plant, _world.AsAnn, "bridge", PermissionSet.All, expiresAt: null);
        var (invitation, token) = await _world.Invitations.InviteAsync(Plant, _world.AsAnn, "bob@example.com", ["viewer"]);
        await OffboardAsync(Plant);

        Assert.Null(await _world.ApiKeys.FindAsync(Plant, key.Id));
        Assert.True(ApiKeyText.TryParse(text, out var parsed));
        Assert.Null(await _world.ApiKeys.VerifyAsync(parsed!, CancellationToken.None));
        Assert.Equal(
            (invitation.Id, InvitationState.Revoked),
            (await _world.Invitations.ListAsync(Plant, null, 10)).Select(one => (one.Id, one.State)).Single()
        );
        await TenancyWorld.RefusedAsync(TenancyError.InvalidInvitation, _world.Invitations.AcceptAsync(token, _world.Ann.Id));
        Assert.Equal(0, (await _world.Tenants.ReadUsageAsync(Plant)).Single(counter => counter.Name == TenantCounters.ApiKeys).Used);
    }

    [Fact]
    public async Task Nothing_is_deleted_before_its_time()
    {
        await RemoveAsync();
        Assert.Null(await StatusAsync());
        await OffboardAsync(Plant);
        Assert.Equal(new TenantOffboardingStatus(Now, Now + Delay, null), await StatusAsync());

        _world.Time.Advance(Delay - TimeSpan.FromSeconds(1));
        await RemoveAsync();
        Assert.Equal(0, Eraser.Calls);
        Assert.Equal(TenantState.Offboarding, (await _world.Tenants.FindAsync(Plant))!.State);
        Assert.Contains(Plant, (await _world.Users.FindAsync(_world.Ann.Id))!.Tenants);
    }

    [Fact]
    public async Task When_its_time_has_come_nothing_is_left_but_a_tombstone_and_an_entry_in_the_log()
    {
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        await RemoveAsync();

        Assert.DoesNotContain(await Eraser.CountAsync(Plant), rows => rows.Rows != 0);
        Assert.Empty((await _world.Users.FindAsync(_world.Ann.Id))!.Tenants);
        var tombstone = (await _world.Tenants.FindAsync(Plant))!;
        Assert.Equal((TenantState.Deleted, ""), (tombstone.State, tombstone.DisplayName));
        Assert.Equal(new TenantOffboardingStatus(Now - Delay, Now, Now), await StatusAsync());
        var entry = Assert.Single(await Audit.ListAsync(ControlScope.Platform, 0, 10));
        Assert.Equal(("tenant.erase", "plant", "1"), (entry.Action, entry.Target, entry.Details!["device"]));
        Assert.Empty(await _world.Store.ListAsync(ControlScope.Platform, RecordKinds.Removal, null, 10));

        // Its id is nobody else's, and nothing brings it back.
        await TenancyWorld.RefusedAsync(TenancyError.Exists, _world.Tenants.CreateAsync(Plant, new TenantSettings { DisplayName = "New" }));
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, _world.Tenants.ResumeAsync(Plant, tombstone.Version));
        await TenancyWorld.RefusedAsync(TenancyError.TenantState, _world.Tenants.RenameAsync(Plant, tombstone.Version, "Back"));
    }

    [Fact]
    public async Task What_a_host_writes_late_is_found_and_deleted_too()
    {
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        await RemoveAsync();
        await RemoveAsync();
        Assert.Equal(1, Eraser.Calls);

        await _world.Store.CommitAsync([ControlChange.Insert(ControlScope.Of(Plant), RecordKinds.Usage, "late", "{}"u8.ToArray())]);
        _world.Time.Advance(TimeSpan.FromHours(1));
        await RemoveAsync();
        Assert.DoesNotContain(await Eraser.CountAsync(Plant), rows => rows.Rows != 0);
        Assert.Equal(2, (await Audit.ListAsync(ControlScope.Platform, 0, 10)).Count);
    }

    [Fact]
    public async Task Of_two_hosts_at_once_one_deletes()
    {
        await using var host = _world.MakeHost(WithFaults);
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        Eraser.BeforeErase = () => RemoveAsync(host);
        await RemoveAsync();
        Assert.Equal((1, 0), (Eraser.Calls, EraserOf(host).Calls));
        Assert.Single(await Audit.ListAsync(ControlScope.Platform, 0, 10));
    }

    [Fact]
    public async Task A_host_that_is_gone_is_followed_by_another()
    {
        await using var host = _world.MakeHost(WithFaults);
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        var store = host.Services.GetRequiredService<WatchedControlStore>();
        Assert.NotNull(await RemovalLease.TryTakeAsync(store, _world.Time, "plant", "gone", CancellationToken.None));
        await RemoveAsync();
        Assert.Equal(0, Eraser.Calls);

        _world.Time.Advance(RemovalLease.Lifetime);
        await RemoveAsync();
        Assert.Equal(TenantState.Deleted, (await _world.Tenants.FindAsync(Plant))!.State);
        Assert.NotNull((await StatusAsync())!.DeletedAt);
    }

    [Fact]
    public async Task A_failure_in_the_middle_is_made_up_for_by_the_next_run()
    {
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        Eraser.OnStep = _ => throw new TelemetryStoreException("The disk is full.", isTransient: true);
        await RemoveAsync();
        Assert.Equal((TenantState.Deleted, null), ((await _world.Tenants.FindAsync(Plant))!.State, (await StatusAsync())!.DeletedAt));
        Assert.Contains(await Eraser.CountAsync(Plant), rows => rows.Rows != 0);
        Assert.Empty(await Audit.ListAsync(ControlScope.Platform, 0, 10));

        Eraser.OnStep = _ => { };
        await RemoveAsync();
        Assert.Equal(Now, (await StatusAsync())!.DeletedAt);
        Assert.DoesNotContain(await Eraser.CountAsync(Plant), rows => rows.Rows != 0);
    }

    [Fact]
    public async Task A_legal_hold_puts_it_off()
    {
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        Eraser.IsHeld = true;
        await RemoveAsync();
        Assert.Null((await StatusAsync())!.DeletedAt);
        Assert.Contains(await Eraser.CountAsync(Plant), rows => rows.Rows != 0);
        Eraser.IsHeld = false;
        await RemoveAsync();
        Assert.NotNull((await StatusAsync())!.DeletedAt);
    }

    [Fact]
    public async Task Sub_tenants_leave_first()
    {
        await _world.Tenants.CreateAsync(Line, new TenantSettings { DisplayName = "Line" }, Plant);
        await TenancyWorld.RefusedAsync(
            TenancyError.TenantState,
            _world.Tenants.OffboardAsync(Plant, (await _world.Tenants.FindAsync(Plant))!.Version)
        );
        await OffboardAsync(Line);
        await OffboardAsync(Plant);
        _world.Time.Advance(Delay);
        await RemoveAsync();
        Assert.Equal(TenantState.Deleted, (await _world.Tenants.FindAsync(Line))!.State);
        Assert.Null((await _world.Tenants.FindAsync(Line))!.Parent);
        await RemoveAsync();
        Assert.Equal(TenantState.Deleted, (await _world.Tenants.FindAsync(Plant))!.State);
    }

    [Fact]
    public async Task A_sub_tenant_counts_for_its_parent_until_it_is_deleted()
    {
        await _world.Tenants.CreateAsync(Line, new TenantSettings { DisplayName = "Line" }, Plant);
        await OffboardAsync(Line);
        Assert.Equal(1, await CountChildrenAsync());
        _world.Time.Advance(Delay);
        await RemoveAsync();
        Assert.Equal(0, await CountChildrenAsync());
        await RemoveAsync();
        Assert.Equal(0, await CountChildrenAsync());
    }

    [Fact]
    public async Task A_sub_tenant_that_was_never_counted_is_deleted_all_the_same()
    {
        await _world.Tenants.CreateAsync(Line, new TenantSettings { DisplayName = "Line" }, Plant);
        await _world.Tenants.ReleaseAsync(Plant, TenantCounters.Children, 1);
        await OffboardAsync(Line);
        _world.Time.Advance(Delay);
        await RemoveAsync();
        Assert.Null((await _world.Tenants.FindAsync(Line))!.Parent);
        Assert.Empty(await _world.Tenants.ListChildrenAsync(Plant, null, 10));
        Assert.Equal(0, await CountChildrenAsync());
    }

    [Fact]
    public async Task A_tenant_that_began_to_leave_before_there_was_a_time_gets_one()
    {
        await OffboardAsync(Plant);
        var record = (await _world.Store.FindAsync(ControlScope.Platform, RecordKinds.Tenant, "plant"))!;
        var old = RecordJson.Read<TenantRecord>(record) with { OffboardedAt = null, DueAt = null };
        await _world.Store.CommitAsync([ControlChange.Replace(record, RecordJson.Write(old))]);
        await RemoveAsync();
        Assert.Equal(new TenantOffboardingStatus(Now, Now + Delay, null), await StatusAsync());
        Assert.Equal(0, Eraser.Calls);
    }

    private DateTime Now => _world.Time.GetUtcNow().UtcDateTime;

    private ValueTask<TenantOffboardingStatus?> StatusAsync() => _world.Services.GetRequiredService<TenantOffboarding>().ReadAsync(Plant);

    private async Task<long> CountChildrenAsync() =>
        (await _world.Tenants.ReadUsageAsync(Plant)).Single(counter => counter.Name == TenantCounters.Children).Used;

    private async Task OffboardAsync(TenantId tenant) =>
        await _world.Tenants.OffboardAsync(tenant, (await _world.Tenants.FindAsync(tenant))!.Version);

    private Task RemoveAsync(TenancyWorld? host = null) =>
        (host ?? _world).Services.GetRequiredService<TenantRemoval>().RunOnceAsync(CancellationToken.None);

    private static FaultyEraser EraserOf(TenancyWorld world) => (FaultyEraser)world.Services.GetRequiredService<ITenantEraser>();

    private static void WithFaults(IServiceCollection services)
    {
        var store = services.Single(service => service.ServiceType == typeof(ITenantEraser));
        services.Remove(store);
        services.AddSingleton<ITenantEraser>(provider => new FaultyEraser(
            (ITenantEraser)ActivatorUtilities.CreateInstance(provider, store.ImplementationType!)
        ));
    }
}
