using Insa.Iiot;
using Insa.Iiot.AspNetCore;
using Insa.Iiot.Tenancy;

var builder = WebApplication.CreateBuilder(args);
builder
    .Services.AddIiot()
    .AddSqliteStorage(sqlite => sqlite.Path = builder.Configuration["Data"] ?? "data/iiot.db")
    .AddTenancy()
    .AddIngestion()
    .AddRestApi();

var app = builder.Build();
var plant = TenantId.Parse("plant");
if (await Get<TenantDirectory>().FindAsync(plant) is null)
{
    await Get<TenantDirectory>().CreateAsync(plant, new TenantSettings { DisplayName = "Plant 7" });
    var ann = await Get<UserAccounts>().CreateAsync("ann@example.com", "Ann", builder.Configuration["Password"]!);
    await Get<TenantMembers>().AddAsync(plant, Actor.Platform, ann.Id, [Role.Admin]);
}

app.UseTenancy(); // finds the caller of every guarded endpoint; an endpoint without a guard keeps the host from starting
app.MapRestApi(); // sign-in, members, roles, devices, telemetry, ...
app.MapGet("/shifts", (Caller caller) => $"The shifts of {caller.Tenant}.").RequirePermission(Permissions.DashboardsRead);
app.MapPost("/rules", () => "Made.").RequirePermission(Permissions.RulesWrite).RequireTenantQuota("rules");
app.Run();

T Get<T>()
    where T : notnull => app.Services.GetRequiredService<T>();
