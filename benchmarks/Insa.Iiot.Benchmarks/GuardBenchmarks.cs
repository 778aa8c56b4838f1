using BenchmarkDotNet.Attributes;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Guards;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Benchmarks;

/// <summary>What a request costs more with guards: finding its caller, tenant and permission, beside the same request without.</summary>
[MemoryDiagnoser]
public class GuardBenchmarks
{
    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-bench-").FullName;
    private readonly DefaultHttpContext _context = new();
    private readonly RequestDelegate _bare = _ => Task.CompletedTask;
    private ServiceProvider _services = null!;
    private TenancyMiddleware _guarded = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services
            .AddIiot()
            .AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db"))
            .AddTenancy(tenancy => tenancy.SnapshotLifetime = TimeSpan.FromMinutes(1))
            .AddIngestion()
            .AddRestApi();
        _services = services.BuildServiceProvider();
        var plant = TenantId.Parse("plant");
        await Get<TenantDirectory>().CreateAsync(plant, new TenantSettings { DisplayName = "Plant" });
        var user = await Get<UserAccounts>().CreateAsync("ann@example.com", "Ann", "correct horse battery");
        await Get<TenantMembers>().AddAsync(plant, Actor.Platform, user.Id, [Role.Admin]);
        var (session, _) = await Get<UserSessions>().OpenAsync(user.Id, plant);
        var (token, _) = await Get<AccessTokens>().IssueAsync(session, CancellationToken.None);

        _guarded = ActivatorUtilities.CreateInstance<TenancyMiddleware>(_services, _bare);
        var guards = new object[] { new Guard(GuardKind.Tenant), new Guard(GuardKind.Permission, Permissions.DevicesRead) };
        _context.SetEndpoint(new Endpoint(_bare, new EndpointMetadataCollection([.. guards, GuardPlan.Of(guards)]), "bench"));
        _context.Request.Headers.Authorization = $"Bearer {token}";
        await _guarded.InvokeAsync(_context);
        if (_context.Response.StatusCode != StatusCodes.Status200OK)
            throw new InvalidOperationException($"The request was refused with {_context.Response.StatusCode}.");
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _services.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark(Baseline = true)]
    public Task Bare() => _bare(_context);

    [Benchmark]
    public Task TokenTenantAndPermission() => _guarded.InvokeAsync(_context);

    private T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();
}
