// Uses the host by what Kiota makes of its document. Arguments: url, e-mail address, password, device.
using Insa.Iiot.Client;
using Insa.Iiot.Client.Models;
using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Microsoft.Kiota.Http.HttpClientLibrary.Middleware.Options;

var (url, email, password, deviceId) = (args[0], args[1], args[2], args[3]);
using var anonymous = new HttpClientRequestAdapter(new AnonymousAuthenticationProvider()) { BaseUrl = url };
var tokens = await new IiotClient(anonymous).Api.V1.Auth.Login.PostAsync(new Login { Email = email, Password = password });
Check(tokens is { ExpiresIn: > 0, AccessToken: not null }, "sign-in");
using var adapter = new HttpClientRequestAdapter(
    new BaseBearerTokenAuthenticationProvider(new Token(tokens!.AccessToken!, new Uri(url).Host))
)
{
    BaseUrl = url,
};
var api = new IiotClient(adapter).Api.V1;

var roles = await api.Roles.GetAsync();
Check(roles!.Items!.Any(role => role is { IsBuiltIn: true, Id: "admin" }), "roles");

var key = Guid.NewGuid().ToString();
var device = new NewDevice { Id = deviceId, Name = "Press" };
var made = await api.Devices.PostAsync(device, request => request.Headers.Add("Idempotency-Key", key));
Check(made is { Password: not null, Version: > 0 }, "a device");
var again = await api.Devices.PostAsync(device, request => request.Headers.Add("Idempotency-Key", key));
Check(again!.Password == made!.Password, "the same request is done once");

var temperature = new TelemetryMessage_data { AdditionalData = new Dictionary<string, object> { ["temperature"] = 21.5 } };
await api.Devices[deviceId].Telemetry.PostAsync([new TelemetryMessage { Data = temperature, Quality = "good" }]);
var read = await api.Devices[deviceId].Telemetry.GetAsync(request => request.QueryParameters.Limit = 10);
Check(read!.Points is [{ Metric: "temperature" } point] && Number(point.Value) == 21.5, "readings");

var percent = new UntypedObject(new Dictionary<string, UntypedNode> { ["percent"] = new UntypedInteger(40) });
var valve = new NewCommand
{
    Name = "open-valve",
    Data = percent,
    NeedsAnswer = true,
    Lifetime = "1h",
};
var sent = await api.Devices[deviceId].Commands.PostAsync(valve);
Check(sent is { Id: 1, State: "waiting" }, "a command");
var commands = await api.Devices[deviceId].Commands.GetAsync();
Check(commands!.Items is [{ Data: UntypedObject data }] && data.GetValue().ContainsKey("percent"), "commands");
var cancelled = await api.Devices[deviceId].Commands["1"].DeleteAsync();
Check(cancelled is { State: "cancelled", Answer: null }, "a command taken back");

var missing = await RefusedAsync(() => api.Devices["missing"].GetAsync());
Check(missing is { Status: 404 } && KindOf(missing) == "not-found", "a missing device");

var headers = new HeadersInspectionHandlerOption { InspectResponseHeaders = true };
await api.Devices[deviceId].GetAsync(request => request.Options.Add(headers));
var tag = headers.ResponseHeaders["ETag"].Single();
var settings = new DeviceSettings { Name = "Press 2" };
var changed = await api.Devices[deviceId].PutAsync(settings, request => request.Headers.Add("If-Match", tag));
Check(changed!.Name == "Press 2" && changed.Version > made.Version, "a change");
var stale = await RefusedAsync(() => api.Devices[deviceId].PutAsync(settings, request => request.Headers.Add("If-Match", tag)));
Check(KindOf(stale) == "changed", "a change of what has changed");
Console.WriteLine("done");

static void Check(bool holds, string what)
{
    if (!holds)
        throw new InvalidOperationException(what);
}

static double? Number(UntypedNode? value) =>
    value switch
    {
        UntypedDouble number => number.GetValue(),
        UntypedDecimal number => (double)number.GetValue(),
        _ => null,
    };

static string? KindOf(Problem? problem) => problem?.Type?.Split(':')[^1];

static async Task<Problem?> RefusedAsync(Func<Task> request)
{
    try
    {
        await request();
        return null;
    }
    catch (Problem problem)
    {
        return problem;
    }
}

internal sealed class Token(string value, string host) : IAccessTokenProvider
{
    public AllowedHostsValidator AllowedHostsValidator { get; } = new([host]);

    public Task<string> GetAuthorizationTokenAsync(
        Uri uri,
        Dictionary<string, object>? additionalAuthenticationContext = null,
        CancellationToken cancellationToken = default
    ) => Task.FromResult(value);
}
