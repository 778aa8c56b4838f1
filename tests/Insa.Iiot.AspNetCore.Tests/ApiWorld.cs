using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Insa.Iiot.Peers;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.AspNetCore.Tests;

/// <summary>A host with the REST API over a store of its own, on a free port; two tenants with an administrator each, and an operator.</summary>
internal sealed class ApiWorld : IAsyncDisposable
{
    /// <summary>What pre-shared keys are sealed with.</summary>
    public static readonly string CredentialKey = Convert.ToBase64String(new byte[32]);

    public const string Password = "correct horse battery";

    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly TenantId Other = TenantId.Parse("other");

    /// <summary>What is posted to trust an authority.</summary>
    public static string ToTrust(TestAuthority authority) =>
        new JsonObject { ["name"] = "Factory", ["certificate"] = authority.Certificate.ExportCertificatePem() }.ToJsonString();

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-api-").FullName;
    private readonly WebApplication _app;

    private ApiWorld(Action<WebApplication>? map, Action<IiotBuilder>? configure, Action<IiotBuilder>? store, DateTimeOffset start)
    {
        Time = new FakeTimeProvider(start);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddFakeLogging();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton<TimeProvider>(Time);
        var iiot = builder
            .Services.AddIiot()
            .AddTenancy(tenancy =>
            {
                tenancy.Features["ml"] = "Models.";
                tenancy.Plans["enterprise"].Features.Add("ml");
            })
            .AddIngestion()
            .AddCommands()
            .AddRestApi(api => api.SignInRate = "1000:1");
        if (store is null)
            iiot.AddSqliteStorage(sqlite =>
            {
                sqlite.Path = Path.Combine(_folder, "iiot.db");
                sqlite.CredentialKey = CredentialKey;
            });
        else
            store(iiot);
        configure?.Invoke(iiot);

        // Every world makes three users: the work of their passwords would be most of a test's time.
        builder.Services.RemoveAll<IValidateOptions<TenancyOptions>>();
        builder.Services.PostConfigure<TenancyOptions>(tenancy => tenancy.PasswordIterations = 1000);
        _app = builder.Build();
        _app.UseTenancy();
        _app.MapRestApi();
        map?.Invoke(_app);
    }

    public FakeTimeProvider Time { get; }

    public IServiceProvider Services => _app.Services;

    public HttpClient Http { get; } = new();

    /// <summary>The administrators of <see cref="Plant"/> and <see cref="Other"/>, and the operator, who is in no tenant.</summary>
    public Person Ann { get; private set; } = null!;

    public Person Bob { get; private set; } = null!;

    public Person Olga { get; private set; } = null!;

    /// <summary>Starts a host, over SQLite unless another store is added.</summary>
    public static async Task<ApiWorld> MakeAsync(
        Action<WebApplication>? map = null,
        Action<IiotBuilder>? configure = null,
        Action<IiotBuilder>? store = null,
        DateTimeOffset? start = null
    )
    {
        var world = new ApiWorld(map, configure, store, start ?? new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));
        try
        {
            await world._app.StartAsync();
            var address = world._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            world.Http.BaseAddress = new Uri(address);
            foreach (var tenant in new[] { Plant, Other })
                await world
                    .Get<TenantDirectory>()
                    .CreateAsync(tenant, new TenantSettings { DisplayName = tenant.Value, Plan = "enterprise" });
            world.Ann = await world.AddAsync("ann", Plant, Role.Admin);
            world.Bob = await world.AddAsync("bob", Other, Role.Admin);
            world.Olga = await world.AddAsync("olga", tenant: null);
            await world.Get<UserAccounts>().SetOperatorAsync(world.Olga.Id, isOperator: true);
            return world;
        }
        catch
        {
            // What of it has started may still be writing.
            await world._app.StopAsync();
            await world.DisposeAsync();
            throw;
        }
    }

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    /// <summary>Makes a user who has signed in.</summary>
    public async Task<Person> AddAsync(string name, TenantId? tenant, params string[] roles)
    {
        var user = await Get<UserAccounts>().CreateAsync($"{name}@example.com", name, Password);
        if (tenant is { } member)
            await Get<TenantMembers>().AddAsync(member, Actor.Platform, user.Id, roles);
        var (session, refresh) = await Get<UserSessions>().OpenAsync(user.Id, tenant);
        var (token, _) = await Get<Authentication.AccessTokens>().IssueAsync(session, CancellationToken.None);
        return new Person(user.Id, user.Email, token, refresh);
    }

    public Task<Answer> GetAsync(string path, string? bearer, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, bearer, body: null, headers);

    public Task<Answer> PostAsync(string path, string? bearer, string body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, bearer, body, headers);

    public async Task<Answer> SendAsync(
        HttpMethod method,
        string path,
        string? bearer,
        string? body = null,
        params (string Name, string Value)[] headers
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (bearer is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Http.SendAsync(request);

        // Whatever is asked, the host does not fail.
        Assert.False(response.StatusCode == HttpStatusCode.InternalServerError, $"{method} {path}: {Failure()}");
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsByteArrayAsync(),
            response
                .Headers.Concat(response.Content.Headers)
                .ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase)
        );
    }

    private Exception? Failure() =>
        Services.GetFakeLogCollector().GetSnapshot().LastOrDefault(record => record.Level == LogLevel.Error)?.Exception;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
        try
        {
            Directory.Delete(_folder, recursive: true);
        }
        catch (IOException)
        {
            // A host that is disposed without being stopped may still be writing.
        }
    }

    internal sealed record Person(string Id, string Email, string Token, string RefreshToken);

    internal sealed record Answer(int Status, byte[] Body, IReadOnlyDictionary<string, string> Headers)
    {
        public string Text => Encoding.UTF8.GetString(Body);

        public JsonNode Json => JsonNode.Parse(Body)!;

        /// <summary>The kind of the problem, without what all kinds begin with.</summary>
        public string? Problem =>
            Headers.GetValueOrDefault("Content-Type") == "application/problem+json" ? ((string)Json["type"]!).Split(':')[^1] : null;
    }
}
