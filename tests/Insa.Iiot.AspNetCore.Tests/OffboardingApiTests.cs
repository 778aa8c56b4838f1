using System.IO.Compression;
using System.Net.Http.Headers;
using Insa.Iiot.Tenancy;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Insa.Iiot.AspNetCore.Tests;

public sealed class OffboardingApiTests : IAsyncLifetime
{
    private const string State = "/api/v1/tenants/plant/offboarding";
    private const string Archive = State + "/archive";

    private ApiWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await ApiWorld.MakeAsync();

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [InlineData("plant")]
    [InlineData("nobody")]
    [InlineData("No-Id")]
    public async Task Of_a_tenant_that_stays_or_does_not_exist_there_is_nothing(string tenant)
    {
        Assert.Equal("not-found", (await _world.GetAsync($"/api/v1/tenants/{tenant}/offboarding", _world.Olga.Token)).Problem);
        Assert.Equal("not-found", (await _world.GetAsync($"/api/v1/tenants/{tenant}/offboarding/archive", _world.Olga.Token)).Problem);
    }

    [Fact]
    public async Task An_operator_sees_since_when_a_tenant_leaves_and_when_its_data_goes()
    {
        await OffboardAsync();
        var status = (await _world.GetAsync(State, _world.Olga.Token)).Json;
        Assert.Equal("offboarding", (string)status["state"]!);
        Assert.Equal("2026-05-01T08:00:00Z", (string)status["since"]!);
        Assert.Equal("2026-05-31T08:00:00Z", (string)status["dueAt"]!);
        Assert.Null(status["deletedAt"]);
        Assert.Equal("permission-denied", (await _world.GetAsync(State, _world.Bob.Token)).Problem);
        Assert.Equal("permission-denied", (await _world.GetAsync(Archive, _world.Bob.Token)).Problem);
        Assert.Equal("unauthenticated", (await _world.GetAsync(Archive, null)).Problem);
    }

    [Fact]
    public async Task The_archive_of_a_tenant_that_leaves_is_streamed_and_noted()
    {
        Assert.Equal(201, (await _world.PostAsync("/api/v1/devices", _world.Ann.Token, """{"id":"press"}""")).Status);
        Assert.Equal(
            204,
            (await _world.PostAsync("/api/v1/devices/press/telemetry", _world.Ann.Token, """{"data":{"n":777.25}}""")).Status
        );
        Assert.Equal(201, (await _world.PostAsync("/api/v1/devices", _world.Bob.Token, """{"id":"of-other"}""")).Status);
        await OffboardAsync();

        var answer = await _world.GetAsync(Archive, _world.Olga.Token);
        Assert.Equal(
            (200, "application/zip", "no-store"),
            (answer.Status, answer.Headers["Content-Type"], answer.Headers["Cache-Control"])
        );
        Assert.Contains("plant.zip", answer.Headers["Content-Disposition"], StringComparison.Ordinal);
        Assert.DoesNotContain("Content-Length", answer.Headers.Keys);
        using var archive = new ZipArchive(new MemoryStream(answer.Body));
        Assert.Contains(archive.Entries, entry => entry.FullName == "tenant.json");
        using var telemetry = new StreamReader(archive.GetEntry("telemetry/press.ndjson")!.Open());
        Assert.Contains("777.25", await telemetry.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(archive.Entries, entry => entry.FullName.Contains("of-other", StringComparison.Ordinal));

        foreach (var scope in (ControlScope[])[ControlScope.Platform, ControlScope.Of(ApiWorld.Plant)])
            Assert.Single(
                await _world.Get<AuditLog>().ListAsync(scope, 0, 100),
                entry => entry.Action == "tenant.export" && entry.Actor == _world.Olga.Id && entry.Refusal is null
            );

        // That it was taken is in what was taken: it was noted before.
        using var audit = new StreamReader(archive.GetEntry("audit.ndjson")!.Open());
        Assert.Contains("tenant.export", await audit.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_deleted_tenant_there_is_a_date_and_no_archive()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot => iiot.AddTenancy(tenancy => tenancy.OffboardingDelay = default));
        await OffboardAsync(world);
        world.Time.Advance(TimeSpan.FromHours(1));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await world.Get<TenantOffboarding>().ReadAsync(ApiWorld.Plant, patience.Token))?.DeletedAt is null)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        // By now the token of the first has ended.
        var otto = await world.AddAsync("otto", tenant: null);
        await world.Get<UserAccounts>().SetOperatorAsync(otto.Id, isOperator: true);
        var status = (await world.GetAsync(State, otto.Token)).Json;
        Assert.Equal(("deleted", "2026-05-01T09:00:00Z"), ((string)status["state"]!, (string)status["deletedAt"]!));
        Assert.Equal("conflict", (await world.GetAsync(Archive, otto.Token)).Problem);
        Assert.Empty(await world.Get<AuditLog>().ListAsync(ControlScope.Of(ApiWorld.Plant), 0, 10));
    }

    [Fact]
    public async Task An_archive_that_fails_on_the_way_is_not_taken_for_a_whole_one()
    {
        await using var world = await ApiWorld.MakeAsync(configure: iiot =>
            iiot.Services.Replace(ServiceDescriptor.Singleton<ITelemetryReader, BrokenReader>())
        );
        Assert.Equal(201, (await world.PostAsync("/api/v1/devices", world.Ann.Token, """{"id":"press"}""")).Status);
        await OffboardAsync(world);
        using var request = new HttpRequestMessage(HttpMethod.Get, Archive);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", world.Olga.Token);
        await Assert.ThrowsAsync<HttpRequestException>(async () =>
        {
            using var response = await world.Http.SendAsync(request);
            response.EnsureSuccessStatusCode();
        });
    }

    private Task OffboardAsync() => OffboardAsync(_world);

    private static async Task OffboardAsync(ApiWorld world) =>
        Assert.Equal(
            200,
            (
                await world.SendAsync(HttpMethod.Post, "/api/v1/tenants/plant/offboard", world.Olga.Token, body: null, ("If-Match", "*"))
            ).Status
        );

    private sealed class BrokenReader : ITelemetryReader
    {
        public IAsyncEnumerable<TelemetryPoint> ReadAsync(
            TenantId tenant,
            TelemetryQuery query,
            CancellationToken cancellationToken = default
        ) => throw Broken();

        public ValueTask<IReadOnlyList<TelemetryPoint>> ReadLatestAsync(
            TenantId tenant,
            DeviceId device,
            CancellationToken cancellationToken = default
        ) => throw Broken();

        public ValueTask<IReadOnlyList<TelemetryBucket>> AggregateAsync(
            TenantId tenant,
            TelemetryAggregateQuery query,
            CancellationToken cancellationToken = default
        ) => throw Broken();

        private static TelemetryStoreException Broken() => new("The file is damaged.", isTransient: false);
    }
}
