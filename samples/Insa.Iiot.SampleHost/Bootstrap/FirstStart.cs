using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Insa.Iiot.Tenancy;

namespace Insa.Iiot.SampleHost.Bootstrap;

/// <summary>Makes the default tenant, its first device and its first administrator, all with random secrets, once.</summary>
internal sealed class FirstStart(
    HostSettings settings,
    IDeviceRegistry registry,
    IDevicePskStore psks,
    TenantDirectory tenants,
    UserAccounts users,
    TenantMembers members,
    ApiKeys keys
)
{
    public static readonly TenantId Tenant = TenantId.Parse("default");

    /// <summary>Where the default tenant's telemetry comes by RabbitMQ; the exchange is called the same.</summary>
    public static readonly string TelemetryQueue = $"iiot.telemetry.{Tenant}";

    private static readonly DeviceId Device = DeviceId.Parse("demo-press-01");
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // read by people and by sed, never by a browser
    };

    private const string AdminEmail = "admin@localhost";
    private const string KeyName = "bootstrap";

    private string FilePath => Path.Combine(settings.Data, "bootstrap.json");

    /// <exception cref="IOException">The folder or the file cannot be used.</exception>
    /// <exception cref="TelemetryStoreException">The store cannot be used.</exception>
    public async Task<BootstrapFile> PrepareAsync()
    {
        var file = File.Exists(FilePath) ? Read() : null;

        // The file may be of another store than the one that is used now.
        if (await tenants.FindAsync(Tenant) is not null)
            return file is null ? await MakeAsync() : file with { Coap = file.Coap ?? await MakeCoapAsync(file.Device) };
        await tenants.CreateAsync(Tenant, new TenantSettings { DisplayName = "Default", Plan = "enterprise" });
        return await MakeAsync();
    }

    /// <summary>Writes the file for its owner alone, in one step.</summary>
    /// <returns>Its path.</returns>
    public string Write(BootstrapFile file)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var temporary = FilePath + ".new";
        File.Delete(temporary);
        using (var stream = new FileStream(temporary, options))
            JsonSerializer.Serialize(stream, file, Json);
        File.Move(temporary, FilePath, overwrite: true);
        return FilePath;
    }

    private BootstrapFile Read()
    {
        try
        {
            return JsonSerializer.Deserialize<BootstrapFile>(File.ReadAllBytes(FilePath), Json) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new IOException($"{FilePath} cannot be read: mend it, or move it away to make new secrets.");
        }
    }

    private async Task<BootstrapFile> MakeAsync()
    {
        Directory.CreateDirectory(settings.Data);
        await registry.AddAsync(Tenant, new Device { Id = Device, DisplayName = "Demo press" });
        var secret = await registry.RotateSecretAsync(Tenant, Device);
        var password = NewSecret();
        var adminId = await MakeAdminAsync(password);
        var device = new BootstrapDevice(Device.Value, $"{Device}@{Tenant}", secret!);
        var file = new BootstrapFile(
            Tenant.Value,
            "",
            new BootstrapMqtt(settings.MqttAddress.ToString(), settings.MqttPort),
            await MakeCoapAsync(device),
            null,
            AdminEmail,
            password,
            await MakeKeyAsync(adminId),
            device
        );
        Write(file);
        return file;
    }

    private async Task<BootstrapCoap> MakeCoapAsync(BootstrapDevice device)
    {
        var psk =
            await psks.SetPskAsync(Tenant, DeviceId.Parse(device.Id))
            ?? throw new IOException($"{FilePath} names a device that is gone: move it away to make new secrets.");
        return new BootstrapCoap(
            settings.CoapAddress.ToString(),
            settings.CoapPort,
            settings.CoapSecurePort,
            settings.CoapPort,
            psk.Identity,
            Convert.ToHexStringLower(psk.Key.Span),
            $"{device.Username}:{device.Password}"
        );
    }

    private async Task<string> MakeAdminAsync(string password)
    {
        var admin = await users.FindByEmailAsync(AdminEmail);
        if (admin is null)
            admin = await users.CreateAsync(AdminEmail, "Administrator", password);
        else
            await users.SetPasswordAsync(admin.Id, password);
        await users.SetOperatorAsync(admin.Id, isOperator: true);
        if (await members.FindAsync(Tenant, admin.Id) is null)
            await members.AddAsync(Tenant, Actor.Platform, admin.Id, [Role.Admin]);
        return admin.Id;
    }

    // Of a file that was moved away the key must not hold any more.
    private async Task<string> MakeKeyAsync(string adminId)
    {
        foreach (var old in (await keys.ListAsync(Tenant, after: null, limit: 1000)).Where(key => key.Name == KeyName))
            await keys.RevokeAsync(Tenant, old.Id);
        var (_, text) = await keys.CreateAsync(Tenant, new Actor(adminId, PermissionSet.All), KeyName, PermissionSet.All, expiresAt: null);
        return text;
    }

    private static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
}
