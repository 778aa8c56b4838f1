using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Insa.Iiot.SampleHost.Bootstrap;

/// <summary>Makes the default tenant, its first device and the admin token, all with random secrets, once.</summary>
internal sealed class FirstStart(HostSettings settings, IDeviceRegistry registry, AdminToken adminToken)
{
    public static readonly TenantId Tenant = TenantId.Parse("default");
    private static readonly DeviceId Device = DeviceId.Parse("demo-press-01");
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // read by people and by sed, never by a browser
    };

    private string FilePath => Path.Combine(settings.Data, "bootstrap.json");

    /// <exception cref="IOException">The folder or the file cannot be used.</exception>
    /// <exception cref="TelemetryStoreException">The store cannot be used.</exception>
    public async Task<BootstrapFile> PrepareAsync()
    {
        var file = File.Exists(FilePath) ? Read() : await MakeAsync();
        adminToken.Set(TenantId.Parse(file.Tenant), file.AdminToken);
        return file;
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
        var file = new BootstrapFile(
            Tenant.Value,
            "",
            new BootstrapMqtt(settings.MqttAddress.ToString(), settings.MqttPort),
            Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)),
            new BootstrapDevice(Device.Value, $"{Device}@{Tenant}", secret!)
        );
        Write(file);
        return file;
    }
}
