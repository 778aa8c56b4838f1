namespace Insa.Iiot.Architecture.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public void The_host_with_tenants_is_shown_as_it_is_built()
    {
        // artifacts/bin/{project}/{configuration}/
        var root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", ".."));
        var sample = File.ReadAllText(Path.Combine(root, "samples", "Insa.Iiot.TenantHost", "Program.cs")).TrimEnd();
        Assert.Contains(sample, File.ReadAllText(Path.Combine(root, "README.md")), StringComparison.Ordinal);
        Assert.InRange(sample.Split('\n').Length, 1, 32);
    }
}
