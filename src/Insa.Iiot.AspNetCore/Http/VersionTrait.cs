namespace Insa.Iiot.AspNetCore.Http;

internal sealed class VersionTrait;
