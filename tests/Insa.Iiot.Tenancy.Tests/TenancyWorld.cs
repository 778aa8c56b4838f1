using Insa.Iiot.Tenancy.Access;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Tenancy.Tests;

/// <summary>Tenancy over a SQLite file of its own, with a clock, a tenant and its administrator.</summary>
internal sealed class TenancyWorld : IAsyncDisposable
{
    public const string Password = "correct horse battery";

    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly TenantId Other = TenantId.Parse("other");

    private readonly string _folder;
    private readonly bool _ownsFolder;
    private readonly ServiceProvider _services;

    private TenancyWorld(TenancyWorld? other = null, Action<IServiceCollection>? configure = null)
    {
        _ownsFolder = other is null;
        _folder = other?._folder ?? Directory.CreateTempSubdirectory("iiot-tenancy-").FullName;
        Time = other?.Time ?? new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Time);
        services
            .AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db"))
            .AddTenancy(tenancy =>
            {
                tenancy.Features["ml"] = "Models.";
                tenancy.Features["ml.anomaly"] = "Anomalies.";
                tenancy.Features["bridging"] = "Bridges.";
                tenancy.Plans["enterprise"].Features.Add("ml.anomaly");
                tenancy.Plans["starter"].Limits.Remove(TenantCounters.Children);
            });
        configure?.Invoke(services);
        _services = services.BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; }

    public IServiceProvider Services => _services;

    public TenantDirectory Tenants => _services.GetRequiredService<TenantDirectory>();

    public UserAccounts Users => _services.GetRequiredService<UserAccounts>();

    public TenantRoles Roles => _services.GetRequiredService<TenantRoles>();

    public TenantMembers Members => _services.GetRequiredService<TenantMembers>();

    public TenantInvitations Invitations => _services.GetRequiredService<TenantInvitations>();

    public UserSessions Sessions => _services.GetRequiredService<UserSessions>();

    public ApiKeys ApiKeys => _services.GetRequiredService<ApiKeys>();

    internal AccessDirectory Access => _services.GetRequiredService<AccessDirectory>();

    public IControlStore Store => _services.GetRequiredService<IControlStore>();

    /// <summary>The first administrator of <see cref="Plant"/>.</summary>
    public UserAccount Ann { get; private set; } = null!;

    public Actor AsAnn => new(Ann.Id, PermissionSet.All);

    /// <summary>Another host on the same store, with the same clock.</summary>
    public TenancyWorld MakeHost(Action<IServiceCollection>? configure = null) => new(this, configure) { Ann = Ann };

    public static async Task<TenancyWorld> MakeAsync(Action<IServiceCollection>? configure = null)
    {
        var world = new TenancyWorld(configure: configure);
        await world.Tenants.CreateAsync(Plant, new TenantSettings { DisplayName = "Plant 7" });
        world.Ann = await world.Users.CreateAsync("ann@example.com", "Ann", Password);
        await world.Members.AddAsync(Plant, Actor.Platform, world.Ann.Id, [Role.Admin]);
        return world;
    }

    /// <summary>Makes a user who is a member of <see cref="Plant"/>.</summary>
    public async Task<UserAccount> AddAsync(string name, params string[] roles)
    {
        var user = await Users.CreateAsync($"{name}@example.com", name, Password);
        await Members.AddAsync(Plant, Actor.Platform, user.Id, roles);
        return user;
    }

    public async Task<Actor> ActAsAsync(UserAccount user) => new(user.Id, await Members.GetPermissionsAsync(Plant, user.Id));

    /// <summary>Asserts that something is refused, and why.</summary>
    public static async Task RefusedAsync<T>(TenancyError error, ValueTask<T> call) =>
        Assert.Equal(error, (await Assert.ThrowsAsync<TenancyException>(async () => await call)).Error);

    public static async Task RefusedAsync(TenancyError error, ValueTask call) =>
        Assert.Equal(error, (await Assert.ThrowsAsync<TenancyException>(async () => await call)).Error);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (_ownsFolder)
            Directory.Delete(_folder, recursive: true);
    }
}
