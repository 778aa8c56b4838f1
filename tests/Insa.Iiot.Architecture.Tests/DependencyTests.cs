using System.Reflection;

namespace Insa.Iiot.Architecture.Tests;

public sealed class DependencyTests
{
    private const string Family = "Insa.Iiot.";
    private const string Abstractions = "Insa.Iiot.Abstractions";

    public static TheoryData<string> Packages =>
        ["Insa.Iiot.Ingestion", "Insa.Iiot.Protocols.Mqtt", "Insa.Iiot.Storage.Postgres", "Insa.Iiot.Storage.Sqlite", "Insa.Iiot.Tenancy"];

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_refers_to_no_other_of_the_family_but_abstractions(string package)
    {
        var references = Assembly.Load(package).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.Equal([Abstractions], references.Where(name => name.StartsWith(Family, StringComparison.Ordinal)));
    }

    [Fact]
    public void Abstractions_refers_to_nothing_but_the_platforms_abstractions()
    {
        var references = Assembly.Load(Abstractions).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.All(
            references.Where(name => !name.StartsWith("System.", StringComparison.Ordinal)),
            name => Assert.Matches(@"^Microsoft\.Extensions\..+\.Abstractions$", name)
        );
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Public_classes_are_sealed(string package) =>
        Assert.DoesNotContain(Assembly.Load(package).GetExportedTypes(), type => type is { IsClass: true, IsSealed: false });
}
