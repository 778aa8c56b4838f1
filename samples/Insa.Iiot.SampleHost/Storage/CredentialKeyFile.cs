using System.Security.Cryptography;

namespace Insa.Iiot.SampleHost.Storage;

/// <summary>The key that pre-shared keys are sealed with, in a file of the data folder for its owner alone, made when it is first asked for.</summary>
internal static class CredentialKeyFile
{
    private const int KeyBytes = 32;

    /// <returns>The key in Base64.</returns>
    /// <exception cref="IOException">The file cannot be used.</exception>
    public static string ReadOrMake(string folder)
    {
        var path = Path.Combine(folder, "credential.key");
        if (File.Exists(path))
            return File.ReadAllText(path).Trim();
        Directory.CreateDirectory(folder);
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes));
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(key);
        return key;
    }
}
